import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { EstopError } from '../../core/errors.ts';

/** Each purpose has keys of its own, so that rotating or losing one touches nothing else. */
export type KeyPurpose = 'token' | 'seal' | 'secret' | 'codec' | 'flow' | 'proof';
export const keyPurposes: readonly KeyPurpose[] = ['token', 'seal', 'secret', 'codec', 'flow', 'proof'];

const keyFile = z.strictObject({
  purpose: z.enum(['token', 'seal', 'secret', 'codec', 'flow', 'proof']),
  environment: z.string(),
  /** The first key signs and seals; the others only verify and open what is still about. */
  keys: z.array(z.strictObject({ kid: z.string(), createdAt: z.string(), secret: z.base64() })).min(1),
});
type KeyFile = z.output<typeof keyFile>;

export interface HeldKey {
  readonly kid: string;
  readonly secret: Buffer;
}

export interface KeyRing {
  newest(): HeldKey;
  /** Undefined if no key of that id is held, also after a fresh look at the file. */
  find(kid: string): HeldKey | undefined;
  /** Newest first. */
  all(): readonly HeldKey[];
}

/**
 * Keys live in `<state>/keys/<purpose>.json`, owner only. A ring re-reads its file when it is asked for a key id that it does
 * not hold and when the file is newer, so `estop keys rotate` works while tasks run.
 */
export function openKeyRing(folder: string, purpose: KeyPurpose, environment: string): KeyRing {
  const path = join(folder, `${purpose}.json`);
  let held: readonly HeldKey[] = [];
  let readAs = '';
  const refresh = (): void => {
    // A rotation renames a new file into place: its inode tells it apart even within one tick of the file system's clock.
    const { ino, mtimeMs } = statSync(path);
    const identity = `${ino}/${mtimeMs}`;
    if (identity === readAs) return;
    const file = readKeyFile(path);
    if (file.environment !== environment)
      throw new EstopError('foreign-environment', { detail: `${path} belongs to environment ${file.environment}` });
    held = file.keys.map((key) => ({ kid: key.kid, secret: Buffer.from(key.secret, 'base64') }));
    readAs = identity;
  };
  refresh();
  let checkedAt = performance.now();
  return {
    newest: () => {
      if (performance.now() - checkedAt > 1_000) {
        checkedAt = performance.now();
        refresh();
      }
      const key = held[0];
      if (key === undefined) throw new EstopError('key-unknown', { detail: path });
      return key;
    },
    find: (kid) => {
      const known = held.find((key) => key.kid === kid);
      if (known !== undefined) return known;
      refresh();
      return held.find((key) => key.kid === kid);
    },
    all: () => {
      refresh();
      return held;
    },
  };
}

/** Of which environment the keys in a folder are; undefined where there are none yet. */
export function environmentOfKeys(folder: string): string | undefined {
  const path = join(folder, 'token.json');
  return existsSync(path) ? readKeyFile(path).environment : undefined;
}

/** Creates what is missing; never replaces a key that is there. */
export function ensureKeys(folder: string, environment: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const purpose of keyPurposes) {
    const path = join(folder, `${purpose}.json`);
    try {
      statSync(path);
    } catch {
      writeKeyFile(path, { purpose, environment, keys: [freshKey(purpose, environment)] });
    }
  }
}

/** A new key signs from now on; the older ones stay, so that what they signed and sealed still opens. */
export function rotateKey(folder: string, purpose: KeyPurpose): string {
  const path = join(folder, `${purpose}.json`);
  const file = readKeyFile(path);
  const key = freshKey(purpose, file.environment);
  writeKeyFile(path, { ...file, keys: [key, ...file.keys] });
  return key.kid;
}

function freshKey(purpose: KeyPurpose, environment: string): KeyFile['keys'][number] {
  const kid = `${purpose}-${environment}-${randomBytes(6).toString('hex')}`;
  const secret =
    purpose === 'token' || purpose === 'proof'
      ? generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'der' })
      : randomBytes(32);
  return { kid, createdAt: new Date().toISOString(), secret: secret.toString('base64') };
}

function readKeyFile(path: string): KeyFile {
  try {
    return keyFile.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    // The cause may quote the file, which holds keys.
    throw new EstopError('key-unknown', { detail: `${path} cannot be read as a key file` });
  }
}

function writeKeyFile(path: string, file: KeyFile): void {
  const draft = `${path}.${randomBytes(4).toString('hex')}`;
  writeFileSync(draft, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600, flush: true });
  renameSync(draft, path);
}

export function signingKey(key: HeldKey): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  const privateKey = createPrivateKey({ key: key.secret, format: 'der', type: 'pkcs8' });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}
