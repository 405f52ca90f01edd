-- The schema of rollcall for mariadb, version 2, as rollcalld writes it:
--   rollcalld schema show --dialect mariadb

-- Tables
CREATE TABLE IF NOT EXISTS site_checkins (
    `id` BIGINT NOT NULL,
    `site_id` VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    `received_at` DATETIME(6) NOT NULL,
    `online` TINYINT NULL,
    `transport` VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    `source_ip` VARCHAR(46) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    `identity` VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    `serial_number` VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    `system_id` VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    `model` VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    `board_name` VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    `arch` VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    `version` VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    `channel` VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    `firmware_current` VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    `uptime_s` BIGINT NULL,
    `cpu_count` BIGINT NULL,
    `cpu_load` BIGINT NULL,
    `cpu_freq_mhz` BIGINT NULL,
    `mem_total` BIGINT NULL,
    `mem_free` BIGINT NULL,
    `mem_used_pct` DOUBLE NULL,
    `disk_total` BIGINT NULL,
    `disk_free` BIGINT NULL,
    `bad_blocks_pct` DOUBLE NULL,
    `temp_c` DOUBLE NULL,
    `cpu_temp_c` DOUBLE NULL,
    `voltage_v` DOUBLE NULL,
    `power_w` DOUBLE NULL,
    `wan_ip` VARCHAR(46) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    `dhcp_leases` BIGINT NULL,
    `seq` BIGINT NULL,
    `lat` DOUBLE NULL,
    `lon` DOUBLE NULL,
    `lte_rssi` DOUBLE NULL,
    `lte_rsrp` DOUBLE NULL,
    `lte_rsrq` DOUBLE NULL,
    `lte_sinr` DOUBLE NULL,
    `reported_at` DATETIME(6) NULL,
    `warnings` VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    `extra` VARCHAR(4096) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    `tenant` VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    PRIMARY KEY (id, site_id)
) ENGINE = InnoDB;
CREATE TABLE IF NOT EXISTS rollcall_position (
    spool VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    next_record BIGINT NOT NULL,
    run_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    PRIMARY KEY (spool)
) ENGINE = InnoDB;

-- The daemon's user, with what it needs and no more
-- Put the password in the place of ***, and take these dashes away:
-- CREATE USER IF NOT EXISTS 'rollcall'@'%' IDENTIFIED BY '***';
-- GRANT INSERT ON `rollcall`.site_checkins TO 'rollcall'@'%';
-- GRANT SELECT, INSERT, UPDATE ON `rollcall`.rollcall_position TO 'rollcall'@'%';
