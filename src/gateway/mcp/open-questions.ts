import type { ClientLink } from '../upstream/client-link.ts';
import type { OpenQuestion } from './question.ts';

export interface Question extends OpenQuestion {
  readonly link: Pick<ClientLink, 'isClosed' | 'tell'>;
  readonly serverId: string;
  /** The request in the middle of which it was asked; undefined: none, or nobody knows which. */
  readonly callId: string | undefined;
  /** As its server calls it. */
  readonly theirId: unknown;
}

/** Of one server: what the others may ask does not depend on it. */
const mostOfAServer = 16;
/** Of what belongs to no request. */
const longestMs = 10 * 60_000;

interface Kept {
  readonly question: Question;
  readonly at: number;
}

/** What servers have asked a client of one session and not been told yet. What a request was asked in ends with that request. */
export class OpenQuestions {
  readonly #now: () => number;
  readonly #open = new Map<string, Kept>();
  #asked = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Undefined: its server has asked too much that is still open. */
  add(asked: Omit<Question, 'id'>): Question | undefined {
    this.#sweep();
    const own = [...this.#open.values()].filter(({ question }) => question.serverId === asked.serverId);
    if (own.length >= mostOfAServer) return undefined;
    this.#asked += 1;
    const question = { id: `estop-${this.#asked}`, ...asked };
    this.#open.set(question.id, { question, at: this.#now() });
    return question;
  }

  find(id: string): Question | undefined {
    this.#sweep();
    return this.#open.get(id)?.question;
  }

  /** Whoever takes it answers it: nobody else does. */
  take(id: string): Question | undefined {
    const question = this.find(id);
    this.#open.delete(id);
    return question;
  }

  /** Its server waits for nothing any more. */
  endCall(link: Question['link'], callId: string): void {
    for (const [id, { question }] of this.#open)
      if (question.link === link && question.callId === callId) this.#open.delete(id);
  }

  clear(): void {
    this.#open.clear();
  }

  #sweep(): void {
    const oldest = this.#now() - longestMs;
    for (const [id, { question, at }] of this.#open)
      if (question.link.isClosed || (question.callId === undefined && at < oldest)) this.#open.delete(id);
  }
}
