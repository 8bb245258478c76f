import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { EstopError } from '../../core/errors.ts';
import { addAccessToken } from '../keys/access-tokens.ts';
import { ensureKeys, environmentOfKeys } from '../keys/key-ring.ts';
import { type StateFolder, writeOwnerOnly } from '../local/state-folder.ts';

const passwordFile = z.record(z.string(), z.string());
const localTokens = z.strictObject({ operator: z.string(), service: z.string(), worker: z.string() });

export type LocalTokens = z.output<typeof localTokens>;

/** Made at the first start, kept for the next: passwords of the store's roles, keys, and one token for each kind of caller. */
export function ensureLocalSecrets(folder: StateFolder, environment: string, roles: readonly string[]) {
  const keys = folder.folder('keys');
  const owner = environmentOfKeys(keys);
  // Before any server is started: in the store of one environment nothing of another is made.
  if (owner !== undefined && owner !== environment)
    throw new EstopError('config-invalid', {
      detail: `estop.yaml says environment ${environment}, and ${folder.path} holds ${owner}: change it back, or give this one a state folder of its own (--state).`,
    });
  ensureKeys(keys, environment);
  return { passwords: ensurePasswords(folder, roles), tokens: ensureTokens(folder, environment) };
}

function ensurePasswords(folder: StateFolder, roles: readonly string[]): Readonly<Record<string, string>> {
  const path = folder.file('store-passwords.json');
  const known = existsSync(path) ? read(path, passwordFile) : {};
  const passwords = Object.fromEntries(
    roles.map((role) => [role, known[role] ?? randomBytes(24).toString('base64url')]),
  );
  writeOwnerOnly(path, `${JSON.stringify(passwords, null, 2)}\n`);
  return passwords;
}

function ensureTokens(folder: StateFolder, environment: string): LocalTokens {
  const path = folder.file('local-tokens.json');
  if (existsSync(path)) return read(path, localTokens);
  const add = (actor: string, roles: Parameters<typeof addAccessToken>[3]) =>
    addAccessToken(folder.file('tokens.json'), environment, actor, roles);
  const tokens = {
    operator: add('local-operator', ['viewer', 'approver', 'operator', 'admin']),
    service: add('local-service', ['viewer', 'service']),
    worker: add('local-agent-worker', ['agent-worker']),
  };
  writeOwnerOnly(path, `${JSON.stringify(tokens, null, 2)}\n`);
  return tokens;
}

/** A power cut may leave a file empty. What stands in these is made anew where they are not. */
function read<Schema extends z.ZodType>(path: string, schema: Schema): z.output<Schema> {
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    // The cause may quote the file, which holds secrets.
    throw new EstopError('part-failed', {
      detail: `${path} cannot be read as what estop wrote there: delete it, and the next start makes a new one.`,
    });
  }
}
