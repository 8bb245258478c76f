import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Role } from '../src/contract/identity.ts';
import { plural } from '../src/contract/plural.ts';
import { EstopError } from '../src/core/errors.ts';
import { isEnvironment } from '../src/core/ids.ts';
import { addAccessToken } from '../src/runtime/keys/access-tokens.ts';
import { ensureKeys, keyPurposes, openKeyRing } from '../src/runtime/keys/key-ring.ts';
import { roleUrlFile } from '../src/runtime/provision/role-urls.ts';
import { storeRoles } from '../src/store/provision.ts';

/**
 * Makes the files that docker-compose.yml mounts as secrets: `make-secrets [folder] [--environment prod] [--store store:5432]`.
 * What is there is kept, never written over: a second run adds what is missing. Each file belongs to its owner alone.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { environment: { type: 'string', default: 'prod' }, store: { type: 'string', default: 'store:5432' } },
});
const folder = positionals[0] ?? 'secrets';

/** Whom each token stands for, and what it may do. The worker's file goes to the agent worker, the others to people and services. */
const tokens: Readonly<Record<string, { readonly actor: string; readonly roles: readonly Role[] }>> = {
  operator_token: { actor: 'operator', roles: ['viewer', 'approver', 'operator', 'admin'] },
  service_token: { actor: 'service', roles: ['viewer', 'service'] },
  worker_token: { actor: 'agent-worker', roles: ['agent-worker'] },
};

try {
  for (const line of makeSecrets(folder, values.environment, values.store)) process.stdout.write(`${line}\n`);
} catch (thrown) {
  process.stderr.write(`${thrown instanceof Error ? thrown.message : 'The secrets could not be made.'}\n`);
  process.exitCode = 1;
}

/** The content of a file, which is made if it is not there. */
type Keep = (name: string, make: () => string) => string;

function makeSecrets(path: string, environment: string, store: string): readonly string[] {
  if (!isEnvironment(environment))
    throw new EstopError('invalid-input', { detail: '--environment: 1-16 lower-case letters or digits' });
  if (!/^[A-Za-z0-9.-]+:[0-9]{1,5}$/.test(store))
    throw new EstopError('invalid-input', { detail: '--store: host:port' });
  mkdirSync(path, { recursive: true, mode: 0o700 });
  chmodSync(path, 0o700);
  const made: string[] = [];
  const keep: Keep = (name, make) => {
    const file = join(path, name);
    if (!existsSync(file)) {
      // 'wx': two runs at the same time do not write over each other either.
      writeFileSync(file, `${make()}\n`, { mode: 0o600, flag: 'wx', flush: true });
      made.push(name);
    }
    return readFileSync(file, 'utf8').trimEnd();
  };
  const superuser = keep('store_superuser_password', password);
  keep('store_superuser_url', () => `postgres://postgres:${superuser}@${store}/postgres`);
  for (const role of storeRoles) {
    keep(roleUrlFile(role), () => `postgres://${role}:${password()}@${store}/estop_${environment}`);
  }
  keep('temporal_store_password', password);
  ensureKeys(join(path, 'keys'), environment);
  // Read once: keys of another environment are found here rather than by a process that does not start.
  for (const purpose of keyPurposes) openKeyRing(join(path, 'keys'), purpose, environment);
  makeTokens(path, environment, keep);
  keep('connection.json', () => connectionProfile(environment, keep));
  return [
    `${plural(made.length, 'file')} made in ${path} for ${environment}; what was there is as it was.`,
    ...made.map((name) => `  ${name}`),
  ];
}

/** A token is shown once and kept as its hash: a token file without its line in tokens.json would open nothing. */
function makeTokens(path: string, environment: string, keep: Keep): void {
  const list = join(path, 'tokens.json');
  const orphan = existsSync(list) ? undefined : Object.keys(tokens).find((name) => existsSync(join(path, name)));
  if (orphan !== undefined) {
    throw new EstopError('secret-missing', {
      detail: `${list} is gone, but ${orphan} is there: remove the token files to have new ones made.`,
    });
  }
  for (const [name, { actor, roles }] of Object.entries(tokens))
    keep(name, () => addAccessToken(list, environment, actor, roles));
}

/** So that `estop --state secrets ..` speaks to this installation from its own host. The names are those of the CLI's profiles. */
function connectionProfile(environment: string, keep: Keep): string {
  const never = (): string => '';
  return JSON.stringify({
    environment,
    stopUrl: 'http://127.0.0.1:7700',
    controlUrl: 'http://127.0.0.1:7701',
    gatewayUrl: 'http://127.0.0.1:7702',
    token: keep('operator_token', never),
    serviceToken: keep('service_token', never),
  });
}

/** Of letters that a URL, a shell and a connection string all take as they are. */
function password(): string {
  return randomBytes(24).toString('base64url');
}
