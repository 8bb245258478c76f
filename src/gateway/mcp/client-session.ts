import type { ServerResponse } from 'node:http';
import { mayUseServer } from '../../contract/credential-use.ts';
import { opensPages } from '../call/ask-by-url.ts';
import type { Destination } from '../call/live-call.ts';
import { bearerOf } from '../checks/fence.ts';
import type { Bearer } from '../fence/view.ts';
import { rememberUnasked } from '../flow/remember.ts';
import type { JsonObject } from '../json/parse-strict.ts';
import { type GateHost, known, type Passage } from '../passage.ts';
import { rightsOf } from '../rights.ts';
import type { ClientLink, Relayed } from '../upstream/client-link.ts';
import type { UpstreamMessage } from '../upstream/prepared.ts';
import type { ToolServer } from '../upstream/tool-server.ts';
import type { RequestId } from './era.ts';
import { OpenQuestions } from './open-questions.ts';
import type { AskedWhile, OpenQuestion } from './question.ts';
import { readEventId, SessionStream } from './session-stream.ts';

export interface SessionSpec {
  readonly id: string;
  readonly taskId: string;
  readonly endpoint: string | undefined;
  readonly version: string;
  readonly capabilities: JsonObject;
}

const mostStreams = 32;
const mostWaiting = 1_000;
/** Whose page was opened; beyond it one may be opened a second time. */
const mostPages = 1_000;
/** For what is under way when a credential is replaced, or the server is listed no more. */
const longestDrainMs = 10_000;

/** What an upstream may ask a client, and the capability by which the client says that it answers. */
const askable: Readonly<Record<string, string>> = {
  'elicitation/create': 'elicitation',
  'sampling/createMessage': 'sampling',
  'roots/list': 'roots',
};

/** A client of the older revisions, from its handshake on. It belongs to one task, and to one endpoint. */
export class ClientSession {
  readonly spec: SessionSpec;
  logLevel: string | undefined;
  usedAt = performance.now();
  readonly #links = new Map<string, Promise<ClientLink | undefined>>();
  readonly #open = new Set<ClientLink>();
  readonly #questions = new OpenQuestions();
  readonly #cancels = new Map<RequestId, () => void>();
  readonly #streams = new Map<string, SessionStream>();
  readonly #own = new SessionStream('s');
  readonly #shownPages = new Set<string>();
  #hearing: Promise<void> = Promise.resolve();
  #waiting = 0;
  #begun = 0;
  #ended = false;

  constructor(spec: SessionSpec) {
    this.spec = spec;
    this.#streams.set(this.#own.key, this.#own);
  }

  /** Without sessions upstream, or if the server knows only the newest revision, the gateway's own way to it. */
  async linkTo(passage: Passage, server: ToolServer): Promise<Destination | undefined> {
    if (this.#ended) return undefined;
    const { serverId } = server.spec;
    let opening = this.#links.get(serverId);
    if (opening === undefined) {
      opening = this.#openLink(passage, server);
      this.#links.set(serverId, opening);
    }
    const link = await opening;
    // A server that does not shake hands with it is asked in the gateway's own way for as long as the session lasts.
    if (link === undefined) return server;
    if (link.isClosed) {
      if (this.#links.get(serverId) === opening) this.#links.delete(serverId);
      return undefined;
    }
    if (!link.isFor(passage.facts.credential)) {
      // Its stream would go on under what was replaced. What the server holds for that session ends with it.
      if (this.#links.get(serverId) === opening) this.#links.delete(serverId);
      this.#open.delete(link);
      link.drain(longestDrainMs);
      return this.linkTo(passage, server);
    }
    await link.setLogLevel(this.logLevel);
    return link;
  }

  async #openLink(passage: Passage, server: ToolServer): Promise<ClientLink | undefined> {
    const bearer = bearerOf(passage);
    const { host, facts } = passage;
    const claims = known(facts.claims);
    const { serverId } = server.spec;
    // Its calls are asked about one by one; what it says beside them is heard for as long as it is listed for the whole line.
    const isListed = (from: ClientLink): boolean => {
      const line = rightsOf(host.config.current(), claims);
      if (line?.every((agent) => mayUseServer(agent, serverId)) === true) return true;
      this.#leave(serverId, from);
      return false;
    };
    const spec = {
      linkId: host.newId('call'),
      bearer,
      openCalls: host.openCalls,
      isClear: () => host.fence.check(bearer).kind === 'clear',
      capabilities: Object.fromEntries(
        Object.entries(this.spec.capabilities).filter(([key]) => Object.values(askable).includes(key)),
      ),
      credential: passage.facts.credential,
      hear: (from: ClientLink, message: UpstreamMessage) =>
        isListed(from) && this.#hear(host, bearer, message, () => this.#own.say(message)),
      ask: (from: ClientLink, message: UpstreamMessage, relayed?: Relayed) =>
        relayed !== undefined
          ? this.#ask(from, server, message, relayed)
          : isListed(from) && this.#hear(host, bearer, message, () => this.#ask(from, server, message)),
      ended: (from: ClientLink, callId: string) => this.#questions.endCall(from, callId),
    };
    const link = await server.openLink(spec, this.spec.version);
    if (link !== undefined) this.#open.add(link);
    if (this.#ended) link?.close();
    return link;
  }

  /** What is under way in it ends by itself; nothing new begins. */
  #leave(serverId: string, link: ClientLink): void {
    void this.#links.get(serverId)?.then((held) => held === link && this.#links.delete(serverId));
    this.#open.delete(link);
    link.drain(longestDrainMs);
  }

  /** Whether its host is to open the page of this approval for its user: once, if it said that it opens pages. */
  showsPageOf(approvalId: string): boolean {
    const { version, capabilities } = this.spec;
    if (version < '2025-11-25' || !opensPages(capabilities) || this.#shownPages.has(approvalId)) return false;
    if (this.#shownPages.size >= mostPages) this.#shownPages.clear();
    this.#shownPages.add(approvalId);
    return true;
  }

  /** A stream for one answer, and what comes before it. */
  beginStream(response: ServerResponse, headers: Readonly<Record<string, string>>): SessionStream {
    this.#begun += 1;
    const stream = new SessionStream(`r${this.#begun}`);
    for (const [key, old] of this.#streams) {
      if (this.#streams.size < mostStreams) break;
      if (old.isDone) this.#streams.delete(key);
    }
    this.#streams.set(stream.key, stream);
    stream.attach(response, headers, this.spec.version >= '2025-11-25');
    return stream;
  }

  /** The session's own stream, or the rest of one that broke off. Undefined: there is no such stream (any more). */
  openStream(response: ServerResponse, lastEventId: string | undefined): SessionStream | undefined {
    const after = lastEventId === undefined ? undefined : readEventId(lastEventId);
    if (lastEventId !== undefined && after === undefined) return undefined;
    const stream = after === undefined ? this.#own : this.#streams.get(after.key);
    if (stream === undefined || (after === undefined && stream.isRead)) return undefined;
    stream.attach(response, { 'mcp-session-id': this.spec.id }, this.spec.version >= '2025-11-25', after?.number);
    return stream;
  }

  /** While a request is under way its client may say that it wants the answer no longer. */
  onCancel(id: RequestId, cancel: () => void): () => void {
    this.#cancels.set(id, cancel);
    return () => {
      if (this.#cancels.get(id) === cancel) this.#cancels.delete(id);
    };
  }

  /** A notification of the client. What is for nobody is dropped, and so is an answer to nothing. */
  take(message: JsonObject): void {
    const { method, params } = message;
    if (method === 'notifications/cancelled') {
      const wanted = typeof params === 'object' && params !== null ? (params as JsonObject)['requestId'] : undefined; // no array has it
      if (typeof wanted === 'string' || typeof wanted === 'number') this.#cancels.get(wanted)?.();
      return;
    }
    if (method === 'notifications/roots/list_changed') {
      for (const link of this.#open) void link.tell({ jsonrpc: '2.0', method });
      return;
    }
  }

  /** What this would be the answer to; undefined: to nothing that is open. */
  questionOf({ method, id }: JsonObject): OpenQuestion | undefined {
    return method === undefined && typeof id === 'string' ? this.#questions.find(id) : undefined;
  }

  /** What was judged goes to whoever asked, once, byte for byte. Undefined: nobody waits for it any more. `mayWrite`: see ClientLink. */
  answer(id: string, said: string, mayWrite?: () => boolean): Promise<boolean> | undefined {
    const question = this.#questions.take(id);
    const head = `{"jsonrpc":"2.0","id":${JSON.stringify(question?.theirId)}`;
    return question?.link.tell(`${head},${said.slice(1)}`, mayWrite);
  }

  /** Whoever asked need not wait any longer; it is not told why. */
  refuse(id: string): void {
    void this.answer(id, JSON.stringify({ error: { code: -32_603, message: 'There is no answer to that.' } }));
  }

  /** Nobody answers it any more, and whoever asked is told nothing: not under a stop. */
  forget(id: string): void {
    this.#questions.take(id);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const cancel of this.#cancels.values()) cancel();
    for (const link of this.#open) link.close();
    for (const stream of this.#streams.values()) stream.destroy();
    this.#questions.clear();
  }

  /** In the order in which it came, once it is remembered; a stop may have come meanwhile. rule: fence-before-answer */
  #hear(host: GateHost, bearer: Bearer, message: UpstreamMessage, say: () => void): void {
    if (this.#waiting >= mostWaiting) return; // faster than it can be remembered: nobody hears it
    this.#waiting += 1;
    const hear = async (): Promise<void> => {
      const isKnown = await rememberUnasked(host.flows, this.spec.taskId, message);
      if (isKnown && !this.#ended && host.fence.check(bearer).kind === 'clear') say();
    };
    this.#hearing = this.#hearing
      .then(hear)
      .catch(() => undefined) // nobody hears this one; what comes after it is another matter
      .finally(() => (this.#waiting -= 1));
  }

  #ask(link: ClientLink, server: ToolServer, { id, method, params }: UpstreamMessage, relayed?: Relayed): void {
    const capability = Object.hasOwn(askable, method) ? askable[method] : undefined;
    const say = (said: object): void => void link.tell({ jsonrpc: '2.0', id, ...said });
    const refuse = (code: number, message: string): void => say({ error: { code, message } });
    if (method === 'ping') return say({ result: {} });
    if (capability === undefined || !Object.hasOwn(this.spec.capabilities, capability))
      return refuse(-32_601, 'This client does not answer that.');
    const { callId, askedWhile } = relayed ?? link.onlyCall ?? { callId: undefined, askedWhile: nothing(server) };
    if (askedWhile === undefined) return refuse(-32_603, 'Nobody can be asked here.');
    const { serverId } = server.spec;
    const own = this.#questions.add({ method, askedWhile, link, serverId, callId, theirId: id })?.id;
    if (own === undefined) return refuse(-32_603, 'Too many questions are open.');
    const question = { jsonrpc: '2.0', id: own, method, ...(params === undefined ? {} : { params }) };
    if (relayed?.relay(question) !== true) this.#own.say(question);
  }
}

const nothing = (server: ToolServer): AskedWhile => ({ kind: 'nothing', server });
