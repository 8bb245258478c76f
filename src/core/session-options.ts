/**
 * What every connection to a PostgreSQL says of its session, at each place that opens one. Times are read as text (see parseTime), so
 * both settings are fixed here and not left to a role or a server. That something stands here matters as much: where nothing does,
 * the driver takes PGOPTIONS of whoever started the process, and a `default_transaction_read_only` from there would refuse each stop.
 */
export const sessionOptions = '-c timezone=UTC -c datestyle=ISO';
