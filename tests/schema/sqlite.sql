-- The schema of rollcall for sqlite, version 2, as rollcalld writes it:
--   rollcalld schema show --dialect sqlite

-- Tables
CREATE TABLE IF NOT EXISTS site_checkins (
    id INTEGER,
    site_id TEXT,
    received_at TEXT,
    online INTEGER,
    transport TEXT,
    source_ip TEXT,
    identity TEXT,
    serial_number TEXT,
    system_id TEXT,
    model TEXT,
    board_name TEXT,
    arch TEXT,
    version TEXT,
    channel TEXT,
    firmware_current TEXT,
    uptime_s INTEGER,
    cpu_count INTEGER,
    cpu_load INTEGER,
    cpu_freq_mhz INTEGER,
    mem_total INTEGER,
    mem_free INTEGER,
    mem_used_pct REAL,
    disk_total INTEGER,
    disk_free INTEGER,
    bad_blocks_pct REAL,
    temp_c REAL,
    cpu_temp_c REAL,
    voltage_v REAL,
    power_w REAL,
    wan_ip TEXT,
    dhcp_leases INTEGER,
    seq INTEGER,
    lat REAL,
    lon REAL,
    lte_rssi REAL,
    lte_rsrp REAL,
    lte_rsrq REAL,
    lte_sinr REAL,
    reported_at TEXT,
    warnings TEXT,
    extra TEXT,
    tenant TEXT,
    UNIQUE (id, site_id)
);
CREATE TABLE IF NOT EXISTS rollcall_position (
    spool TEXT PRIMARY KEY,
    next_record INTEGER NOT NULL,
    run_id TEXT
);
