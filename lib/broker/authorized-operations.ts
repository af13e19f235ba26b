// The operations that a client is told it may do, as bits by Kafka's numbers. There are no ACLs, so everybody may do
// everything; the number is given only to who asked for it.

/** "Not asked for." */
export const OPERATIONS_OMITTED = -2147483648
/** READ (3), WRITE, CREATE, DELETE, ALTER, DESCRIBE (8), DESCRIBE_CONFIGS (10), ALTER_CONFIGS (11). */
export const TOPIC_OPERATIONS = 0b1101_1111_1000
/** CREATE (5), ALTER (7), DESCRIBE, CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS, IDEMPOTENT_WRITE (12). */
export const CLUSTER_OPERATIONS = 0b1_1111_1010_0000
/** READ (3), DELETE (6), DESCRIBE (8). A group has no configs here. */
export const GROUP_OPERATIONS = 0b1_0100_1000
