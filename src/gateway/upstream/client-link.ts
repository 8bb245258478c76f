import type { Agent, IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Destination } from '../call/live-call.ts';
import { notification } from '../call/relay.ts';
import { deferred } from '../deferred.ts';
import type { OpenCall, OpenCalls } from '../fence/open-calls.ts';
import type { Bearer } from '../fence/view.ts';
import type { AskedWhile } from '../mcp/question.ts';
import type { Credential } from '../secrets/credential.ts';
import { secretsIn } from './holds-secret.ts';
import type { UpstreamMessage } from './prepared.ts';
import { PreparedCall } from './prepared-call.ts';
import { eventBytes, readMessage, readReply } from './read-reply.ts';
import { headersOf, inNameOf, type OutgoingCall, type UpstreamSession, wireRequest } from './session.ts';

export interface Relayed {
  /** The request in the middle of which it was asked. */
  readonly callId: string;
  readonly relay: (message: object) => boolean;
  readonly askedWhile: AskedWhile | undefined;
}

export interface LinkSpec {
  readonly linkId: string;
  readonly bearer: Bearer;
  readonly openCalls: OpenCalls;
  /** Asked in the tick of every write. rule: fence-before-upstream */
  readonly isClear: () => boolean;
  readonly capabilities: Readonly<Record<string, unknown>>;
  /** That of the agent's calls: a session is opened in the name in which it is used. Absent: at a list, in the gateway's own. */
  readonly credential: Credential | null | undefined;
  readonly hear: (link: ClientLink, message: UpstreamMessage) => void;
  /** `relayed`: it was asked in the middle of something, and where to say it. */
  readonly ask: (link: ClientLink, message: UpstreamMessage, relayed?: Relayed) => void;
  /** Whatever was asked in the middle of this request need not be answered any more. */
  readonly ended: (link: ClientLink, callId: string) => void;
}

const handshakeMs = 10_000;
const reopenMs = 1_000;
/** A server that says nothing to whoever listens until it has something to say must not hold up the first call. */
const listenPatienceMs = 500;
const largestEvent = 4 * 1024 * 1024;

const withWhat = (credential: Credential | null | undefined) =>
  credential === undefined ? undefined : { header: credential?.header };

/** One client's own session with one upstream of the older revisions. A stop ends it like a call. */
export class ClientLink implements Destination, OpenCall {
  readonly callId: string;
  readonly bearer: Bearer;
  /** It stays open between calls: nobody waits for it to end. */
  readonly isBackground = true;
  readonly #spec: LinkSpec;
  readonly #session: UpstreamSession;
  readonly #sockets: Agent;
  /** What this session was opened with, and what calls in it came with: its stream must say none of them. */
  readonly #shown: Set<string>;
  #listening: PreparedCall | undefined;
  #logLevel: string | undefined;
  readonly #underWay = new Map<string, AskedWhile>();
  /** What calls in it come with; undefined: there was none yet that comes with anything of its own. */
  #calledWith: { readonly header: string | undefined } | undefined;
  #drain: NodeJS.Timeout | undefined;
  #closed = false;
  readonly #isListening = deferred<void>();

  private constructor(spec: LinkSpec, session: UpstreamSession, sockets: Agent) {
    this.callId = spec.linkId;
    this.bearer = spec.bearer;
    this.#spec = spec;
    this.#session = session;
    this.#sockets = sockets;
    this.#shown = new Set(secretsIn(session.authorization));
    this.#calledWith = withWhat(spec.credential);
  }

  /** Undefined: this server keeps no sessions, or does not shake hands in an older revision. */
  static async open(
    spec: LinkSpec,
    base: UpstreamSession,
    sockets: Agent,
    version: string,
  ): Promise<ClientLink | undefined> {
    const authorization = spec.credential === undefined ? base.authorization : spec.credential?.header;
    const session: UpstreamSession = { ...base, authorization, era: 'legacy', version, sessionId: undefined };
    const params = {
      protocolVersion: version,
      capabilities: spec.capabilities,
      clientInfo: { name: 'estop-gateway', version: '1' },
    };
    const body = JSON.stringify({ jsonrpc: '2.0', id: spec.linkId, method: 'initialize', params });
    const call = new PreparedCall(session, sockets, headersOf(session, {}));
    const timer = setTimeout(() => call.destroy(), handshakeMs);
    try {
      await call.ready;
      if (!spec.isClear()) return undefined;
      const response = await call.write(body);
      const reply = await readReply(response, spec.linkId, () => undefined, secretsIn(authorization));
      if (reply.kind !== 'result') return undefined;
      const agreed = reply.result['protocolVersion'];
      const sessionId = response.headers['mcp-session-id'];
      const link = new ClientLink(
        spec,
        {
          ...session,
          version: typeof agreed === 'string' ? agreed : version,
          sessionId: typeof sessionId === 'string' ? sessionId : undefined,
        },
        sockets,
      );
      spec.openCalls.add(link);
      await link.#post({ jsonrpc: '2.0', method: 'notifications/initialized' });
      void link.#listen();
      // A server may ask on that stream as soon as it is called, and what nobody listens to yet is lost.
      await Promise.race([link.#isListening.promise, sleep(listenPatienceMs, undefined, { ref: false })]);
      return link;
    } catch {
      return undefined;
    } finally {
      clearTimeout(timer);
      if (!call.isWritten) call.destroy();
    }
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  prepare(call: OutgoingCall): { readonly call: PreparedCall; readonly body: string } | undefined {
    if (this.#closed) return undefined;
    this.#calledWith ??= withWhat(call.credential);
    const { headers, body } = wireRequest(inNameOf(call, this.#session), call);
    for (const secret of secretsIn(headers['authorization'])) this.#shown.add(secret);
    return { call: new PreparedCall(this.#session, this.#sockets, headers), body };
  }

  ask(message: UpstreamMessage, relayed: Relayed): void {
    this.#spec.ask(this, message, relayed);
  }

  noteCall(callId: string, what: AskedWhile): void {
    this.#underWay.set(callId, what);
  }

  forgetCall(callId: string): void {
    this.#underWay.delete(callId);
    this.#spec.ended(this, callId);
    if (this.#drain !== undefined && this.#underWay.size === 0) this.close();
  }

  /** False: the credential that it is used with has been replaced. A list comes with none of its own. */
  isFor(credential: Credential | null | undefined): boolean {
    const shown = withWhat(credential);
    return shown === undefined || this.#calledWith === undefined || shown.header === this.#calledWith.header;
  }

  /** Closed with the last call that it has, or when the time is over; calls have a time-out of their own. */
  drain(withinMs: number): void {
    if (this.#underWay.size === 0) return this.close();
    this.#drain ??= setTimeout(() => this.close(), withinMs).unref();
  }

  /** Of what a question is that does not say it: of the one call that is under way. Of several nobody knows. */
  get onlyCall(): { readonly callId: string; readonly askedWhile: AskedWhile } | undefined {
    const [only, ...others] = this.#underWay;
    return only === undefined || others.length > 0 ? undefined : { callId: only[0], askedWhile: only[1] };
  }

  /** That its own client wants the answer no longer: here a closed connection alone does not say so. */
  cancelled(callId: string): void {
    void this.tell({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: callId } });
  }

  forgotten(): void {
    this.destroy();
    this.#spec.openCalls.remove(this.callId);
  }

  /**
   * False: nobody knows whether it arrived. Text goes as it is. `mayWrite` is asked in the tick of the write: what is told may be under a stop that the
   * session is not under. rule: check-and-write-one-tick
   */
  async tell(message: object | string, mayWrite?: () => boolean): Promise<boolean> {
    try {
      return await this.#post(message, mayWrite);
    } catch {
      return false;
    }
  }

  /** Said again only if it changed; a server that knows no levels keeps its own. */
  async setLogLevel(level: string | undefined): Promise<void> {
    if (level === undefined || level === this.#logLevel) return;
    this.#logLevel = level;
    const id = `${this.callId}-level`;
    await this.#post({ jsonrpc: '2.0', id, method: 'logging/setLevel', params: { level } }).catch(() => undefined);
  }

  isWritten(): boolean {
    return false;
  }

  destroy(): void {
    this.#closed = true;
    this.#listening?.destroy();
  }

  /** Ended by its own client: the upstream is told. */
  close(): void {
    clearTimeout(this.#drain);
    if (this.#closed) return;
    this.destroy();
    this.#spec.openCalls.remove(this.callId);
    if (this.#session.sessionId === undefined || !this.#spec.isClear()) return;
    const call = new PreparedCall(this.#session, this.#sockets, headersOf(this.#session, {}), 'DELETE');
    void this.#written(call, undefined).catch(() => undefined);
  }

  async #post(message: object | string, mayWrite?: () => boolean): Promise<boolean> {
    if (this.#closed) return false;
    return this.#written(
      new PreparedCall(this.#session, this.#sockets, headersOf(this.#session, {})),
      typeof message === 'string' ? message : JSON.stringify(message),
      mayWrite,
    );
  }

  async #written(call: PreparedCall, body: string | undefined, mayWrite = () => true): Promise<boolean> {
    const timer = setTimeout(() => call.destroy(), handshakeMs);
    try {
      await call.ready;
      if (!this.#spec.isClear() || !mayWrite()) return false;
      const response = await call.write(body);
      response.resume();
      await new Promise((resolve) => response.once('close', resolve));
      return (response.statusCode ?? 500) < 300;
    } finally {
      clearTimeout(timer);
      call.destroy();
    }
  }

  /** The stream on which an upstream speaks unasked. One that has none answers 405, and is not asked again. */
  async #listen(): Promise<void> {
    while (!this.#closed) {
      const { 'content-type': _none, ...headers } = headersOf(this.#session, {});
      const call = new PreparedCall(this.#session, this.#sockets, { ...headers, accept: 'text/event-stream' }, 'GET');
      this.#listening = call;
      try {
        await call.ready;
        if (!this.#spec.isClear()) return;
        const response = await call.write();
        this.#isListening.resolve();
        if (response.statusCode !== 200) return;
        await this.#readStream(response);
      } catch {
        // It broke off; it is opened again.
      } finally {
        call.destroy();
        this.#isListening.resolve();
      }
      await new Promise((resolve) => setTimeout(resolve, reopenMs).unref());
    }
  }

  async #readStream(response: IncomingMessage): Promise<void> {
    const stream = eventBytes();
    for await (const chunk of response as AsyncIterable<Buffer>) {
      const events = stream.add(chunk);
      if (stream.size > largestEvent) return;
      for (const event of events) this.#heard(event);
    }
  }

  /** rule: fence-before-answer */
  #heard(event: Buffer): void {
    const message = readMessage(event, '', 200, [...this.#shown]);
    if (message === undefined || !('method' in message) || this.#closed || !this.#spec.isClear()) return;
    if (message.id !== undefined) return this.#spec.ask(this, message);
    const told = notification(message, undefined, undefined);
    if (told !== undefined) this.#spec.hear(this, told);
  }
}
