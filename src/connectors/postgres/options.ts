import { z } from 'zod';
import { EstopError } from '../../core/errors.ts';
import { network } from '../kit/address.ts';
import type { ConnectorHost } from '../kit/contract.ts';
import { secretReference } from '../kit/secret-reference.ts';
import type { Server } from './server.ts';

/** NAMEDATALEN: PostgreSQL cuts a longer name off and would so hit another role of that shorter name. */
const longestIdentifier = 63;

/** Any name that PostgreSQL can have, quotes and all: it is quoted by the server itself (format %I). */
export const identifier = z
  .string()
  .min(1)
  .refine(
    (name) => Buffer.byteLength(name) <= longestIdentifier && !name.includes('\0'),
    'A name in PostgreSQL has 1 to 63 bytes.',
  );

const hostName = z
  .string()
  .regex(
    /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$|^\[?[0-9a-fA-F:.]{2,45}\]?$/,
    'A host is a name or an IP address.',
  );
const port = z.int().min(1).max(65_535);

const parts = ['host', 'database', 'user', 'password'] as const;

export const postgresOptions = z
  .strictObject({
    adminUrl: secretReference
      .optional()
      .describe('A connection string postgresql://user:password@host:port/database, whole, as a secret.'),
    host: hostName.optional(),
    port: port.default(5432),
    database: identifier.optional(),
    user: identifier.optional(),
    password: secretReference.optional(),
    sslmode: z
      .enum(['verify-full', 'require', 'disable'])
      .default('verify-full')
      .describe('As libpq means it; `require` encrypts and verifies nothing.'),
    ca: secretReference.optional().describe('The certificate authority, as PEM; default: those of the system.'),
    network,
    poolers: z
      .array(z.strictObject({ host: hostName, port }))
      .max(8)
      .default([])
      .describe(
        'Poolers through which agents connect. A pooler keeps server connections open under the old login, so the probe asks at each.',
      ),
    controlMemberOf: z
      .array(identifier)
      .max(16)
      .default([])
      .describe('Roles that the control identity needs in order to connect.'),
  })
  .refine(
    (options) =>
      options.adminUrl === undefined
        ? parts.every((part) => options[part] !== undefined)
        : parts.every((part) => options[part] === undefined),
    {
      error: 'Give either adminUrl, or host, database, user and password.',
    },
  );
export type PostgresOptions = z.output<typeof postgresOptions>;

/** Rights that may be given on the tables of a schema. */
const privilege = z.enum(['select', 'insert', 'update', 'delete']);

/** pg_signal_backend, pg_execute_server_program and their like would let an agent end our sessions or leave the database. */
const harmlessPredefined: readonly string[] = ['pg_read_all_data', 'pg_write_all_data'];
const group = identifier.refine(
  (name) => !name.startsWith('pg_') || harmlessPredefined.includes(name),
  'Of the predefined roles only pg_read_all_data and pg_write_all_data are given to agents.',
);

export const postgresGrant = z.strictObject({
  memberOf: z.array(group).max(16).default([]),
  schemas: z
    .array(z.strictObject({ schema: identifier, tables: z.array(privilege).min(1) }))
    .max(16)
    .default([]),
  connectionLimit: z.int().min(1).max(100).default(10),
});
export type PostgresGrant = z.output<typeof postgresGrant>;

/** Read anew for every attempt: a secret that was rotated works at once, and none is kept. */
export function serverOf(options: PostgresOptions, host: ConnectorHost): Server {
  const { sslmode, network: reach } = options;
  const place = options.adminUrl === undefined ? placeOf(options, host) : parseUrl(host.readSecret(options.adminUrl));
  return {
    ...place,
    sslmode,
    network: reach,
    ...(options.ca === undefined ? {} : { ca: host.readSecret(options.ca) }),
  };
}

type Place = Pick<Server, 'host' | 'port' | 'database' | 'user' | 'password'>;

function placeOf({ host, port: at, database, user, password }: PostgresOptions, secrets: ConnectorHost): Place {
  if (host === undefined || database === undefined || user === undefined || password === undefined) {
    throw new EstopError('config-invalid', {
      detail: 'Neither adminUrl nor host, database, user and password are given.',
    });
  }
  return { host, port: at, database, user, password: secrets.readSecret(password) };
}

function parseUrl(text: string): Place {
  const url = URL.parse(text.trim());
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol) || url.hostname === '' || url.username === '') {
    // The value itself is a secret: not a letter of it is shown.
    throw new EstopError('config-invalid', {
      detail: 'adminUrl does not hold a connection string postgresql://user:password@host:port/database.',
    });
  }
  const user = decodeURIComponent(url.username);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 5432 : Number(url.port),
    database: url.pathname.length > 1 ? decodeURIComponent(url.pathname.slice(1)) : user,
    user,
    password: decodeURIComponent(url.password),
  };
}
