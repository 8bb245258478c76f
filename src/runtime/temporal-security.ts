import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { TemporalSecurity } from '../contract/temporal-security.ts';
import { EstopError } from '../core/errors.ts';

/** Files, never values: what stands in an environment is shown by process lists and container tools. */
export const temporalSecurityNames = [
  'ESTOP_TEMPORAL_TLS',
  'ESTOP_TEMPORAL_TLS_CA_FILE',
  'ESTOP_TEMPORAL_TLS_CERT_FILE',
  'ESTOP_TEMPORAL_TLS_KEY_FILE',
  'ESTOP_TEMPORAL_TLS_SERVER_NAME',
  'ESTOP_TEMPORAL_API_KEY_FILE',
] as const;
export type TemporalSecurityVariable = (typeof temporalSecurityNames)[number];

type Given = Readonly<Partial<Record<TemporalSecurityVariable, string | undefined>>>;

/**
 * One of them is enough for TLS; `ESTOP_TEMPORAL_TLS=yes` alone trusts what the system trusts. Nothing here falls back to a
 * connection in the clear: half a pair, an unreadable file and `no` beside a credential are refused by name.
 */
export function readTemporalSecurity(given: Given): TemporalSecurity {
  const value = (name: TemporalSecurityVariable): string | undefined => (given[name] === '' ? undefined : given[name]);
  const file = (name: TemporalSecurityVariable): Buffer | undefined => {
    const path = value(name);
    return path === undefined ? undefined : readNamed(name, path);
  };
  const wanted = value('ESTOP_TEMPORAL_TLS');
  if (wanted !== undefined && wanted !== 'yes' && wanted !== 'no') throw refused('ESTOP_TEMPORAL_TLS is yes or no');
  const others = temporalSecurityNames.filter((name) => name !== 'ESTOP_TEMPORAL_TLS' && value(name) !== undefined);
  if (others.length === 0) return wanted === 'yes' ? { tls: true } : {};
  if (wanted === 'no') throw refused(`ESTOP_TEMPORAL_TLS is no, and ${others.join(', ')} needs TLS`);
  const [ca, crt, key] = [
    file('ESTOP_TEMPORAL_TLS_CA_FILE'),
    file('ESTOP_TEMPORAL_TLS_CERT_FILE'),
    file('ESTOP_TEMPORAL_TLS_KEY_FILE'),
  ];
  if ((crt === undefined) !== (key === undefined))
    throw refused('ESTOP_TEMPORAL_TLS_CERT_FILE and ESTOP_TEMPORAL_TLS_KEY_FILE come together');
  const serverNameOverride = value('ESTOP_TEMPORAL_TLS_SERVER_NAME');
  const apiKey = file('ESTOP_TEMPORAL_API_KEY_FILE')?.toString('utf8').trim();
  if (apiKey !== undefined && !/^[\x21-\x7e]+$/.test(apiKey))
    throw refused('ESTOP_TEMPORAL_API_KEY_FILE does not hold one key on one line');
  return {
    tls: {
      ...(ca === undefined ? {} : { serverRootCACertificate: ca }),
      ...(serverNameOverride === undefined ? {} : { serverNameOverride }),
      ...(crt === undefined || key === undefined ? {} : { clientCertPair: { crt, key } }),
    },
    ...(apiKey === undefined ? {} : { apiKey }),
  };
}

function readNamed(name: TemporalSecurityVariable, path: string): Buffer {
  try {
    return readFileSync(resolve(path));
  } catch (cause) {
    throw new EstopError('secret-missing', { detail: `${name}: file ${path}`, cause });
  }
}

const refused = (detail: string): EstopError => new EstopError('config-invalid', { detail });
