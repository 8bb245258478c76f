import { z } from 'zod';
import { EstopError } from '../core/errors.ts';
import { TaskStopped } from './cut-off.ts';
import { problemCode, readJson, requestOf } from './http.ts';

/** Task tokens live here and in request headers: never in an activity's result, a log or an error. */
export interface TaskTokens {
  get(taskId: string, signal: AbortSignal): Promise<string>;
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

export function createTaskTokens({ controlUrl, workerToken }: TaskTokensOptions): TaskTokens {
  const held = new Map<string, { readonly token: string; readonly expiresAt: number }>();

  const obtain = async (taskId: string, signal: AbortSignal): Promise<string> => {
    const url = new URL(`/v1/tasks/${encodeURIComponent(taskId)}/tokens`, controlUrl);
    const response = await requestOf(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${workerToken()}` },
      signal,
    });
    const body = await readJson(response);
    if (!response.ok) {
      const detail = `control refused a token for ${taskId}: ${response.status}`;
      const code = problemCode(body, response.status);
      throw code === 'stopped' ? new TaskStopped(detail) : new EstopError(code, { detail });
    }
    const parsed = Answer.safeParse(body);
    if (!parsed.success)
      throw new EstopError('internal', { detail: 'control answered a token request with something else' });
    const { token, expiresAt } = parsed.data;
    if (held.size >= maxHeld) held.delete(held.keys().next().value ?? '');
    held.set(taskId, { token, expiresAt: Date.parse(expiresAt) });
    return token;
  };

  return {
    get: async (taskId, signal) => {
      const known = held.get(taskId);
      if (known !== undefined && known.expiresAt - renewBeforeMs > Date.now()) return known.token;
      return obtain(taskId, signal);
    },
    forget: (taskId) => void held.delete(taskId),
  };
}
