-- The schema of rollcall for singlestore, version 2, as rollcalld writes it:
--   rollcalld schema show --dialect singlestore

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
    SHARD KEY (site_id),
    SORT KEY (received_at),
    UNIQUE KEY site_checkins_once (site_id, id) USING HASH
);
CREATE ROWSTORE TABLE IF NOT EXISTS rollcall_position (
    spool VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    next_record BIGINT NOT NULL,
    run_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    PRIMARY KEY (spool)
);

-- The daemon's user, with what it needs and no more
-- Put the password in the place of ***, and take these dashes away:
-- CREATE USER IF NOT EXISTS 'rollcall'@'%' IDENTIFIED BY '***';
-- GRANT SELECT, INSERT ON `rollcall`.site_checkins TO 'rollcall'@'%';
-- GRANT SELECT, INSERT, UPDATE ON `rollcall`.rollcall_position TO 'rollcall'@'%';
-- GRANT SHOW PIPELINE ON `rollcall`.* TO 'rollcall'@'%';

-- The pipeline from Kafka, for a topic that has none yet
-- Put the password in the place of ***, and take these dashes away:
-- CREATE PIPELINE IF NOT EXISTS `site_checkins_v2` AS
-- LOAD DATA KAFKA 'kafka-1:9093,kafka-2:9093/site_checkins.v2'
-- CONFIG '{"isolation.level":"read_committed","sasl.mechanism":"SCRAM-SHA-512","sasl.username":"loader","security.protocol":"SASL_SSL","ssl.ca.location":"/etc/rollcall/kafka-ca.pem","ssl.certificate.location":"/etc/rollcall/kafka.pem","ssl.key.location":"/etc/rollcall/kafka.key"}'
-- CREDENTIALS '{"sasl.password":"***"}'
-- BATCH_INTERVAL 1000
-- MAX_OFFSETS_PER_BATCH_PARTITION 2048
-- SKIP DUPLICATE KEY ERRORS
-- STOP_ON_ERROR ON
-- INTO TABLE site_checkins
-- FIELDS TERMINATED BY '\t' ENCLOSED BY '' ESCAPED BY '\\'
-- LINES TERMINATED BY '\n' STARTING BY ''
-- (`id`, `site_id`, `received_at`, `online`, `transport`, `source_ip`, `identity`, `serial_number`, `system_id`, `model`, `board_name`, `arch`, `version`, `channel`, `firmware_current`, `uptime_s`, `cpu_count`, `cpu_load`, `cpu_freq_mhz`, `mem_total`, `mem_free`, `mem_used_pct`, `disk_total`, `disk_free`, `bad_blocks_pct`, `temp_c`, `cpu_temp_c`, `voltage_v`, `power_w`, `wan_ip`, `dhcp_leases`, `seq`, `lat`, `lon`, `lte_rssi`, `lte_rsrp`, `lte_rsrq`, `lte_sinr`, `reported_at`, `warnings`, `extra`, `tenant`);
-- ALTER PIPELINE `site_checkins_v2` SET OFFSETS EARLIEST;
-- START PIPELINE `site_checkins_v2`;
