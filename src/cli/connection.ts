import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { EstopError } from '../core/errors.ts';
import { homeFolder } from '../runtime/home-folder.ts';
import type { TemporalSecurityVariable } from '../runtime/temporal-security.ts';

/** Where estop is and how to speak to it. What is not known stays undefined; only the command that needs it complains. */
export interface Connection {
  readonly environment: string;
  readonly controlUrl: string;
  readonly stopUrl: string;
  readonly gatewayUrl: string;
  readonly temporalAddress: string | undefined;
  /** As variables (ESTOP_TEMPORAL_TLS ..), which name files; read only by whoever connects. */
  readonly temporalSecurity: Readonly<Record<string, string | undefined>>;
  readonly token: string | undefined;
  /** Who starts a task cannot approve its calls: locally, starting has an identity of its own. */
  readonly serviceToken: string | undefined;
  readonly directUrl: string | undefined;
  /** The file it came from, for messages. */
  readonly source: string | undefined;
  /** Where a file was looked for, in words. */
  readonly lookedFor: string;
  /** Nobody said where the gateway is. */
  readonly isGatewayGuessed: boolean;
}

export interface ConnectionFlags {
  readonly profile?: string | undefined;
  readonly state?: string | undefined;
  readonly controlUrl?: string | undefined;
  readonly stopUrl?: string | undefined;
}

/** How a profile calls what the environment calls otherwise. */
const temporalSecurityKeys: Readonly<Record<TemporalSecurityVariable, string>> = {
  ESTOP_TEMPORAL_TLS: 'temporalTls',
  ESTOP_TEMPORAL_TLS_CA_FILE: 'temporalTlsCaFile',
  ESTOP_TEMPORAL_TLS_CERT_FILE: 'temporalTlsCertFile',
  ESTOP_TEMPORAL_TLS_KEY_FILE: 'temporalTlsKeyFile',
  ESTOP_TEMPORAL_TLS_SERVER_NAME: 'temporalTlsServerName',
  ESTOP_TEMPORAL_API_KEY_FILE: 'temporalApiKeyFile',
};

type Environment = Readonly<Record<string, string | undefined>>;

/** Flag before environment before profile before default. A token is never a flag: the process list shows those. */
export function readConnection(flags: ConnectionFlags, env: Environment, from: string): Connection {
  const path = profilePath(flags, env, from);
  const profile = path === undefined ? {} : readProfile(path);
  const pick = (flag: string | undefined, variable: string, key: string): string | undefined =>
    flag ?? nonEmpty(env[variable]) ?? nonEmpty(profile[key]);
  const token = nonEmpty(env['ESTOP_TOKEN']) ?? fromFile(env, 'ESTOP_TOKEN_FILE');
  const gatewayUrl = pick(undefined, 'ESTOP_GATEWAY_URL', 'gatewayUrl');
  const held = token ?? nonEmpty(profile['token']);
  return {
    environment: pick(undefined, 'ESTOP_ENVIRONMENT', 'environment') ?? environmentOf(held) ?? 'dev',
    controlUrl: pick(flags.controlUrl, 'ESTOP_CONTROL_URL', 'controlUrl') ?? 'http://127.0.0.1:7701',
    stopUrl: pick(flags.stopUrl, 'ESTOP_STOP_URL', 'stopUrl') ?? 'http://127.0.0.1:7700',
    gatewayUrl: gatewayUrl ?? 'http://127.0.0.1:7702',
    isGatewayGuessed: gatewayUrl === undefined,
    temporalAddress: pick(undefined, 'ESTOP_TEMPORAL_ADDRESS', 'temporalAddress'),
    temporalSecurity: Object.fromEntries(
      Object.entries(temporalSecurityKeys).map(([variable, key]) => [variable, pick(undefined, variable, key)]),
    ),
    token: held,
    serviceToken: token ?? nonEmpty(profile['serviceToken']) ?? held,
    directUrl: pick(undefined, 'ESTOP_DIRECT_URL', 'directUrl') ?? fromFile(env, 'ESTOP_DIRECT_URL_FILE'),
    source: path,
    lookedFor: path ?? lookedFor(flags, env, from),
  };
}

function profilePath(flags: ConnectionFlags, env: Environment, from: string): string | undefined {
  const name = flags.profile ?? nonEmpty(env['ESTOP_PROFILE']);
  const folder = profilesFolder(env);
  if (name !== undefined) {
    if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(name))
      throw new EstopError('invalid-input', { detail: 'A profile has a plain name: letters, digits, "-" and "_".' });
    const path = join(folder, `${name}.json`);
    if (!existsSync(path)) throw new EstopError('invalid-input', { detail: `There is no profile ${path}.` });
    refuseOpenToOthers(path);
    return path;
  }
  const state = flags.state ?? nonEmpty(env['ESTOP_STATE']);
  const found = state === undefined ? findUpwards(from) : join(resolve(from, state), 'connection.json');
  if (found !== undefined && existsSync(found)) return found;
  // Whoever signed in with `estop login` and is in nobody's state folder means that.
  const byLogin = join(folder, `${loginProfile}.json`);
  return state === undefined && existsSync(byLogin) ? byLogin : undefined;
}

function lookedFor(flags: ConnectionFlags, env: Environment, from: string): string {
  const state = flags.state ?? nonEmpty(env['ESTOP_STATE']);
  return state === undefined
    ? `.estop/connection.json in ${resolve(from)} or a folder above it`
    : join(resolve(from, state), 'connection.json');
}

/** It holds a token. Systems without such modes report none for others, so nothing is refused there. */
function refuseOpenToOthers(path: string): void {
  const mode = statSync(path).mode & 0o077;
  if (mode !== 0 && process.platform !== 'win32')
    throw new EstopError('invalid-input', {
      detail: `Others than you may open the profile ${path}, and it can hold a token: chmod 600 it.`,
    });
}
/** What `estop login` writes if it is told no other name. */
export const loginProfile = 'default';

export const profilesFolder = (env: Environment): string =>
  join(nonEmpty(env['ESTOP_CONFIG_DIR']) ?? join(homeFolder(), '.config', 'estop'), 'profiles');

function findUpwards(from: string): string | undefined {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const path = join(folder, '.estop', 'connection.json');
    if (existsSync(path)) return path;
    if (dirname(folder) === folder) return undefined;
  }
}

function readProfile(path: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>; // each key is checked where it is used
  } catch {
    // Said below without the cause, which could quote the file: it holds a token.
  }
  throw new EstopError('invalid-input', { detail: `${path} cannot be read as a connection profile.` });
}

function fromFile(env: Environment, variable: string): string | undefined {
  const path = nonEmpty(env[variable]);
  if (path === undefined) return undefined;
  try {
    return nonEmpty(readFileSync(path, 'utf8').trim());
  } catch (cause) {
    throw new EstopError('secret-missing', { detail: `${variable}: ${path} cannot be read.`, cause });
  }
}

const environmentOf = (token: string | undefined): string | undefined =>
  /^estop_([a-z][a-z0-9]{0,15})_/.exec(token ?? '')?.[1];

const nonEmpty = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;
