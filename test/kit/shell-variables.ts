const nowhere = 'http://127.0.0.1:9';

/** What people have in their shells for the sake of databases and networks of somebody else. */
export const shellVariables: Readonly<Record<string, string>> = {
  PGOPTIONS: '-c default_transaction_read_only=on',
  PGSSLMODE: 'require',
  PGHOST: '127.0.0.1',
  PGPORT: '1',
  PGUSER: 'nobody',
  PGPASSWORD: 'wrong',
  PGDATABASE: 'nowhere',
  HTTP_PROXY: nowhere,
  HTTPS_PROXY: nowhere,
  http_proxy: nowhere,
  https_proxy: nowhere,
  grpc_proxy: nowhere,
  ALL_PROXY: nowhere,
  TEMPORAL_ADDRESS: '127.0.0.1:9',
  TEMPORAL_NAMESPACE: 'nowhere',
};
