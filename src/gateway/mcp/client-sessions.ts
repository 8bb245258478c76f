import { randomBytes } from 'node:crypto';
import type { TaskClaims } from '../../contract/identity.ts';
import { ClientSession, type SessionSpec } from './client-session.ts';

const mostSessions = 10_000;
const mostOfATask = 64;
const idleMs = 30 * 60_000;

/** The sessions of this process. They are in no store: a client of another gateway shakes hands again. */
export class ClientSessions {
  readonly #sessions = new Map<string, ClientSession>();

  /** Undefined: too many. */
  open(claims: TaskClaims, spec: Omit<SessionSpec, 'id' | 'taskId'>): ClientSession | undefined {
    this.#sweep();
    const { taskId } = claims;
    const own = [...this.#sessions.values()].filter((session) => session.spec.taskId === taskId);
    if (own.length >= mostOfATask) this.#end(own[0]);
    if (this.#sessions.size >= mostSessions) return undefined;
    const session = new ClientSession({ ...spec, id: randomBytes(24).toString('base64url'), taskId });
    this.#sessions.set(session.spec.id, session);
    return session;
  }

  /** A session of another task is as unknown as one that never was. */
  find(id: string, claims: TaskClaims, endpoint: string | undefined): ClientSession | undefined {
    const session = this.#sessions.get(id);
    if (session === undefined || session.spec.taskId !== claims.taskId || session.spec.endpoint !== endpoint)
      return undefined;
    session.usedAt = performance.now();
    return session;
  }

  end(session: ClientSession): void {
    this.#end(session);
  }

  close(): void {
    for (const session of this.#sessions.values()) session.end();
    this.#sessions.clear();
  }

  #end(session: ClientSession | undefined): void {
    if (session === undefined) return;
    this.#sessions.delete(session.spec.id);
    session.end();
  }

  #sweep(): void {
    const oldest = performance.now() - idleMs;
    for (const session of this.#sessions.values()) if (session.usedAt < oldest) this.#end(session);
  }
}
