import type { ProcessSpec } from '../../contract/config.ts';
import { EstopError } from '../../core/errors.ts';
import type { Destination } from '../call/live-call.ts';
import { deferred } from '../deferred.ts';
import type { OpenCall, OpenCalls } from '../fence/open-calls.ts';
import type { Bearer } from '../fence/view.ts';
import type { Era } from '../mcp/era.ts';
import { Child, type ChildEnvironment } from './child.ts';
import type { OnMessage, Prepared } from './prepared.ts';
import { readParsed, type UpstreamReply } from './read-reply.ts';
import { type OutgoingCall, wireRequest } from './session.ts';

export interface TaskChildSpec {
  readonly childId: string;
  readonly bearer: Bearer;
  readonly agentId: string;
  readonly openCalls: OpenCalls;
}

interface Pending {
  readonly onMessage: OnMessage;
  readonly resolve: (reply: UpstreamReply) => void;
  readonly reject: (error: Error) => void;
}

const handshakeMs = 10_000;
const mostLeft = 1_000;

/**
 * The process of one server for one task, started at its first call. It stands among the open calls: a stop of the task ends it
 * with everything that it started, also while no call is under way. A call cannot be ended in any other way, so whatever ends
 * one from outside ends the process.
 */
export class TaskChild implements Destination, OpenCall {
  readonly callId: string;
  readonly bearer: Bearer;
  readonly isBackground = true;
  readonly ready: Promise<void>;
  readonly #spec: TaskChildSpec;
  readonly #environment: ChildEnvironment;
  readonly #child: Child;
  readonly #era: Era;
  readonly #version: string;
  readonly #pending = new Map<string, Pending>();
  /** Calls that nobody waits for any more and that it has not answered, as they stand among the open ones. */
  readonly #left = new Map<string, string>();
  #wasEnded = false;
  #isDraining = false;
  usedAt = performance.now();

  constructor(
    spec: TaskChildSpec,
    process: ProcessSpec,
    environment: ChildEnvironment,
    protocol: { readonly era: Era; readonly version: string },
  ) {
    this.callId = spec.childId;
    this.bearer = spec.bearer;
    this.#spec = spec;
    this.#environment = environment;
    this.#era = protocol.era;
    this.#version = protocol.version;
    this.#child = new Child(process, environment, (message) => this.#hear(message));
    spec.openCalls.add(this);
    this.ready = this.#shakeHands();
    this.ready.catch(() => this.#child.kill());
    void this.#child.ended.then(() => this.#end());
  }

  get isAlive(): boolean {
    return this.#child.isAlive;
  }

  isFor({ values }: ChildEnvironment): boolean {
    return JSON.stringify(values) === JSON.stringify(this.#environment.values);
  }

  get isIdle(): boolean {
    return this.#pending.size === 0;
  }

  get ended(): Promise<void> {
    return this.#child.ended;
  }

  prepare(call: OutgoingCall): { readonly call: Prepared; readonly body: string } | undefined {
    if (!this.isAlive || this.#isDraining) return undefined;
    this.usedAt = performance.now();
    const session = {
      url: nowhere,
      era: this.#era,
      version: this.#version,
      sessionId: undefined,
      authorization: undefined,
    };
    return { call: new PreparedLine(this), body: wireRequest(session, call).body };
  }

  /** It may go on with it all the same: until it says that it has not, a stop of just that call ends it. */
  cancelled(callId: string, bearer: Bearer): void {
    this.#pending.delete(callId);
    if (!this.isAlive) return;
    if (this.#left.size >= mostLeft) return this.destroy();
    const left = { callId: `${this.callId}/${callId}`, bearer, isBackground: true, isWritten: () => false };
    this.#left.set(callId, left.callId);
    this.#spec.openCalls.add({ ...left, destroy: () => this.destroy() });
    if (this.#isDraining && this.isIdle) return this.destroy();
    const params = { requestId: callId };
    this.#child.say(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params }));
  }

  send(body: string, callId: string, onMessage: OnMessage): Promise<UpstreamReply> {
    const { promise, resolve, reject } = deferred<UpstreamReply>();
    this.#pending.set(callId, { onMessage, resolve, reject });
    if (!this.#child.say(body)) this.destroy();
    return promise;
  }

  isWritten(): boolean {
    return false;
  }

  /** Ended by us, which says nothing of how well it comes up. */
  get wasEnded(): boolean {
    return this.#wasEnded;
  }

  /** Takes no more calls; ended with the last of those it has, or when the time is over. */
  drain(withinMs: number): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    const timer = setTimeout(() => this.destroy(), withinMs);
    timer.unref();
    void this.#child.ended.then(() => clearTimeout(timer));
    if (this.isIdle) this.destroy();
  }

  destroy(): void {
    if (this.#child.isAlive) this.#wasEnded = true;
    this.#child.kill();
    this.#end();
  }

  async #shakeHands(): Promise<void> {
    if (this.#era === 'modern') return;
    const params = {
      protocolVersion: this.#version,
      capabilities: {},
      clientInfo: { name: 'estop-gateway', version: '1' },
    };
    const timer = setTimeout(() => this.destroy(), handshakeMs);
    try {
      const body = JSON.stringify({ jsonrpc: '2.0', id: this.callId, method: 'initialize', params });
      const reply = await this.send(body, this.callId, () => undefined);
      if (reply.kind !== 'result') throw new EstopError('upstream-unavailable');
      this.#child.say('{"jsonrpc":"2.0","method":"notifications/initialized"}');
    } finally {
      clearTimeout(timer);
    }
  }

  #hear(message: Readonly<Record<string, unknown>>): void {
    if (typeof message['method'] === 'string' && message['id'] !== undefined) {
      // Nobody can be asked over a process: its handshake offered nothing.
      this.#child.say(
        JSON.stringify({
          jsonrpc: '2.0',
          id: message['id'],
          error: { code: -32_601, message: 'Nobody answers that here.' },
        }),
      );
      return;
    }
    const { id } = message;
    if (typeof id === 'string') {
      this.#forget(id);
      const pending = this.#pending.get(id);
      const reply = pending === undefined ? undefined : readParsed(message, id, 200);
      if (pending === undefined || reply === undefined || 'method' in reply) return;
      this.#pending.delete(id);
      pending.resolve(reply);
      if (this.#isDraining && this.isIdle) this.destroy();
      return;
    }
    const told = readParsed(message, '', 200);
    if (told !== undefined && 'method' in told) for (const { onMessage } of this.#pending.values()) onMessage(told);
  }

  #forget(callId: string): void {
    const left = this.#left.get(callId);
    if (left === undefined) return;
    this.#left.delete(callId);
    this.#spec.openCalls.remove(left);
  }

  #end(): void {
    this.#spec.openCalls.remove(this.callId);
    for (const callId of this.#left.keys()) this.#forget(callId);
    for (const { reject } of this.#pending.values()) reject(new EstopError('upstream-unavailable'));
    this.#pending.clear();
  }
}

const nowhere = new URL('stdio:');

/** One call on its way to a process. */
class PreparedLine implements Prepared {
  readonly ready: Promise<void>;
  readonly #child: TaskChild;
  #isReady = false;
  #isWritten = false;

  constructor(child: TaskChild) {
    this.#child = child;
    this.ready = child.ready.then(() => {
      this.#isReady = true;
    });
    this.ready.catch(() => undefined);
  }

  get isUsable(): boolean {
    return this.#isReady && this.#child.isAlive;
  }

  get isWritten(): boolean {
    return this.#isWritten;
  }

  send(body: string, callId: string, onMessage: OnMessage): Promise<UpstreamReply> {
    this.#isWritten = true;
    return this.#child.send(body, callId, onMessage);
  }

  destroy(why?: 'cancelled'): void {
    if (this.#isWritten && why === undefined) this.#child.destroy();
  }
}
