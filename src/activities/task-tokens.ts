import { z } from 'zod';
import { EstopError } from '../core/errors.ts';
import { TaskStopped } from './cut-off.ts';
import { jsonIn } from './json-in.ts';
import { openPost } from './post.ts';
import { problemCode } from './problem-code.ts';

/** Task tokens live here and in request headers: never in an activity's result, a log or an error. */
export interface TaskTokens {
  get(taskId: string, signal: AbortSignal): Promise<string>;
  /** The agents whose rights bind the task, as its token says: what is told to one task of theirs may be told to another. */
  line(taskId: string, signal: AbortSignal): Promise<string>;
  /** After a 401: it was revoked or its key was rotated away. */
  forget(taskId: string): void;
}

interface TaskTokensOptions {
  readonly controlUrl: string;
  /** The worker's own bearer token. */
  readonly workerToken: () => string;
}

const renewBeforeMs = 2 * 60_000;
const maxHeld = 10_000;
const Answer = z.object({ token: z.string().min(1), expiresAt: z.iso.datetime({ offset: true }) });

interface Held {
  readonly token: string;
  readonly expiresAt: number;
  readonly line: string;
}

export function createTaskTokens({ controlUrl, workerToken }: TaskTokensOptions): TaskTokens {
  const held = new Map<string, Held>();
  const post = openPost(new URL(controlUrl), { mostBytes: 64 * 1024, idleConnections: 16 });

  const obtain = async (taskId: string, signal: AbortSignal): Promise<Held> => {
    const path = `/v1/tasks/${encodeURIComponent(taskId)}/tokens`;
    const headers = { authorization: `Bearer ${workerToken()}` };
    const { status, bytes } = await post({ path, headers, signal }).catch((cause: unknown) => {
      throw new EstopError('upstream-unavailable', { detail: 'control cannot be reached', cause });
    });
    const body = jsonIn(bytes.toString('utf8'));
    if (status < 200 || status > 299) {
      const detail = `control refused a token for ${taskId}: ${status}`;
      const code = problemCode(body, status);
      throw code === 'stopped' ? new TaskStopped(detail) : new EstopError(code, { detail });
    }
    const parsed = Answer.safeParse(body);
    if (!parsed.success)
      throw new EstopError('internal', { detail: 'control answered a token request with something else' });
    const { token, expiresAt } = parsed.data;
    if (held.size >= maxHeld) held.delete(held.keys().next().value ?? '');
    const fresh = { token, expiresAt: Date.parse(expiresAt), line: lineIn(token) ?? taskId };
    held.set(taskId, fresh);
    return fresh;
  };
  const find = async (taskId: string, signal: AbortSignal): Promise<Held> => {
    const known = held.get(taskId);
    return known !== undefined && known.expiresAt - renewBeforeMs > Date.now() ? known : obtain(taskId, signal);
  };

  return {
    get: async (taskId, signal) => (await find(taskId, signal)).token,
    line: async (taskId, signal) => (await find(taskId, signal)).line,
    forget: (taskId) => void held.delete(taskId),
  };
}

const Claims = z.object({ agent: z.string(), agents: z.array(z.string()).min(1) });

/** Not verified: it says what may be told twice, and nothing of what may be done. */
function lineIn(token: string): string | undefined {
  const claims = Claims.safeParse(jsonIn(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')));
  return claims.success ? JSON.stringify([claims.data.agent, ...claims.data.agents]) : undefined;
}
