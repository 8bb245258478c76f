import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import type { Authentication, Authenticator, Identity, Role } from '../../contract/identity.ts';
import { EstopError } from '../../core/errors.ts';

const roles = ['viewer', 'approver', 'operator', 'admin', 'service', 'agent-worker'] as const satisfies readonly Role[];
const tokensFile = z.strictObject({
  environment: z.string(),
  tokens: z.array(
    z.strictObject({
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      actor: z.string().min(1).max(200),
      person: z.string().min(1).max(200).optional(),
      roles: z.array(z.enum(roles)).min(1),
    }),
  ),
});
type TokensFile = z.output<typeof tokensFile>;

const tokenPattern = /^estop_([a-z][a-z0-9]{0,15})_([A-Za-z0-9_-]{43})$/;

/** The token itself is shown once, here; the file keeps its hash. */
export function addAccessToken(
  path: string,
  environment: string,
  actor: string,
  grantedRoles: readonly Role[],
): string {
  const token = `estop_${environment}_${randomBytes(32).toString('base64url')}`;
  const before = readTokens(path) ?? { environment, tokens: [] };
  const after: TokensFile = {
    environment,
    tokens: [...before.tokens, { sha256: hashOf(token), actor, roles: [...grantedRoles] }],
  };
  const draft = `${path}.${randomBytes(4).toString('hex')}`;
  writeFileSync(draft, `${JSON.stringify(after, null, 2)}\n`, { mode: 0o600, flush: true });
  renameSync(draft, path);
  return token;
}

/**
 * Answers from memory, so that a stop is authenticated while everything else is away. The file is looked at again at most once
 * a second; if it cannot be read then, what was read before stays in force.
 */
export function createAuthenticator(path: string, environment: string): Authenticator {
  let held = loadTokens(path, environment);
  let readAs = identityOf(path);
  // By a clock that does not step: one that is set back an hour would leave a token that was taken out good for that long.
  let checkedAt = performance.now();
  const refresh = (): void => {
    if (performance.now() - checkedAt < 1_000) return;
    checkedAt = performance.now();
    try {
      const now = identityOf(path);
      if (now === readAs) return;
      held = loadTokens(path, environment);
      readAs = now;
    } catch {
      // An unreadable file must not lock operators out of a stop: the last good list stays.
    }
  };
  return {
    holdsTokens: () => {
      refresh();
      return held.length > 0;
    },
    held: () => {
      refresh();
      return held.map(({ hash, roles }) => ({ tokenHash: hash, roles }));
    },
    standingOf: (tokenHash) => {
      refresh();
      const found = held.find(
        ({ hash }) => hash.byteLength === tokenHash.byteLength && timingSafeEqual(hash, tokenHash),
      );
      return found === undefined ? undefined : identityIn(found);
    },
    authenticate: (header): Authentication => {
      refresh();
      const token = header?.startsWith('Bearer ') === true ? header.slice(7) : '';
      const match = tokenPattern.exec(token);
      if (match === null) return { ok: false, code: 'unauthenticated' };
      if (match[1] !== environment) return { ok: false, code: 'foreign-environment' };
      const hash = createHash('sha256').update(token).digest();
      const found = held.find((entry) => timingSafeEqual(entry.hash, hash));
      return found === undefined ? { ok: false, code: 'unauthenticated' } : { ok: true, identity: identityIn(found) };
    },
  };
}

const identityIn = ({ actor, person, roles }: HeldToken): Identity => ({
  actor,
  ...(person === undefined ? {} : { person }),
  roles,
});

/** Files are replaced by renaming: the inode tells two apart even within one tick of the file system's clock. */
function identityOf(path: string): string {
  const { ino, mtimeMs } = statSync(path);
  return `${ino}/${mtimeMs}`;
}

interface HeldToken {
  readonly hash: Buffer;
  readonly actor: string;
  readonly person: string | undefined;
  readonly roles: readonly Role[];
}

function loadTokens(path: string, environment: string): readonly HeldToken[] {
  const file = readTokens(path);
  if (file === undefined) throw new EstopError('secret-missing', { detail: path });
  if (file.environment !== environment)
    throw new EstopError('foreign-environment', { detail: `${path} belongs to environment ${file.environment}` });
  return file.tokens.map((entry) => ({
    hash: Buffer.from(entry.sha256, 'hex'),
    actor: entry.actor,
    person: entry.person,
    roles: entry.roles,
  }));
}

function readTokens(path: string): TokensFile | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
  return tokensFile.parse(JSON.parse(text));
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
