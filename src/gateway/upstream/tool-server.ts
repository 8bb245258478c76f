import type { Agent } from 'node:http';
import type { SecretAt, ToolServerSpec } from '../../contract/config.ts';
import type { Log } from '../../contract/identity.ts';
import { errorCodeOf } from '../../core/errors.ts';
import type { SeenTool, ToolStanding, ToolStandings } from '../../store/tool-pins.ts';
import { type Discovery, discover } from './discover.ts';
import type { PinPort } from './pin-port.ts';
import { openSockets, PreparedCall } from './prepared-call.ts';
import { type OutgoingCall, toolCallRequest, type UpstreamSession } from './session.ts';
import { callability, pinTool, seenTool, type ToolPin, turnPage } from './tool-pin.ts';

interface ToolServerParts {
  readonly spec: ToolServerSpec;
  readonly readSecret: (reference: SecretAt) => string;
  readonly log: Log;
  readonly pins: PinPort;
  /** Called when what may be listed has changed. */
  readonly onChange: () => void;
}

const refreshMs = 60_000;
const firstRetryMs = 500;
const longestRetryMs = 15_000;

/** One upstream MCP server: its pinned tools, and sockets to call them by. */
export class ToolServer {
  readonly spec: ToolServerSpec;
  readonly #parts: ToolServerParts;
  readonly #sockets: Agent;
  #listed: ReadonlyMap<string, ToolPin> = new Map();
  #standings: ToolStandings | undefined;
  /** Which question the standings answer: an answer to an earlier one that comes later is dropped. */
  #answered = 0;
  #asked = 0;
  #isAsking = false;
  #session: UpstreamSession | undefined;
  #discovery: Discovery | undefined;
  #timer: NodeJS.Timeout | undefined;
  #retryMs = firstRetryMs;
  #closed = false;
  readonly #firstTry: Promise<void>;

  constructor(parts: ToolServerParts) {
    this.#parts = parts;
    this.spec = parts.spec;
    this.#sockets = openSockets(new URL(parts.spec.url));
    this.#firstTry = this.#refresh();
  }

  /** Once the first discovery has succeeded or failed. */
  get firstTry(): Promise<void> {
    return this.#firstTry;
  }

  /** Offered to agents. Empty while the server cannot be reached: what cannot be called is not listed. */
  get tools(): readonly ToolPin[] {
    if (this.#session === undefined) return [];
    return [...this.#listed.values()].filter((pin) => callability(pin, this.#standings) === 'accepted');
  }

  find(
    listedName: string,
  ): { readonly pin: ToolPin; readonly changed: boolean; readonly standing: ToolStanding } | undefined {
    const pin = this.#listed.get(listedName);
    const standing = pin === undefined ? undefined : this.#standings?.byTool.get(pin.name);
    if (pin === undefined || standing === undefined) return undefined;
    return { pin, changed: callability(pin, this.#standings) === 'changed', standing };
  }

  /** The record of tools is at another version than ours: another gateway saw a change, or a person accepted one. */
  hearOf(version: number): void {
    if (this.#standings === undefined || version === this.#standings.version || this.#isAsking || this.#closed) return;
    this.#isAsking = true;
    // What fails is asked again after the next renewal, which tells the version again.
    this.#note([])
      .catch(() => undefined)
      .finally(() => {
        this.#isAsking = false;
      });
  }

  /** A connected socket and the bytes to write into it, or undefined while the server is not known to be there. */
  prepare(call: OutgoingCall): { readonly call: PreparedCall; readonly body: string } | undefined {
    if (this.#session === undefined) return undefined;
    const { headers, body } = toolCallRequest(this.#session, call);
    return { call: new PreparedCall(this.#session, this.#sockets, headers), body };
  }

  /** After an answer that only a server that has forgotten us gives: look again now, not in a minute. */
  refreshSoon(): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#refresh(), firstRetryMs);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#sockets.destroy();
    await this.#discovery?.close();
  }

  async #refresh(): Promise<void> {
    const { log, readSecret, onChange } = this.#parts;
    const { serverId, url, credential } = this.spec;
    let waitMs = refreshMs;
    try {
      const authorization = credential === undefined ? undefined : `Bearer ${readSecret(credential)}`;
      const found = await discover(new URL(url), authorization);
      if (this.#closed) return await found.close();
      await this.#discovery?.close();
      this.#discovery = found;
      this.#session = found.session;
      // Whatever the store says: a definition that is not the accepted one is refused from here on.
      this.#turnPage(found);
      await this.#note([...this.#listed.values()].map(seenTool));
      this.#retryMs = firstRetryMs;
    } catch (thrown) {
      // A server that fails to list keeps the session that it has: calls in flight decide for themselves.
      if (this.#discovery === undefined) this.#session = undefined;
      log.warn(
        { event: 'upstream.undiscovered', server: serverId, code: errorCodeOf(thrown) },
        'the tools of an upstream server cannot be listed, or not be recorded',
      );
      waitMs = this.#retryMs;
      this.#retryMs = Math.min(this.#retryMs * 2, longestRetryMs);
    }
    onChange();
    if (!this.#closed) {
      this.#timer = setTimeout(() => void this.#refresh(), waitMs);
      this.#timer.unref();
    }
  }

  #turnPage(found: Discovery): void {
    const { log } = this.#parts;
    const { serverId } = this.spec;
    const listed: ToolPin[] = [];
    for (const definition of found.tools) {
      const result = pinTool(serverId, definition);
      if (result.ok) listed.push(result.pin);
      else
        log.warn(
          { event: 'upstream.tool-refused', server: serverId, tool: definition.name.slice(0, 64), why: result.why },
          'a tool is not offered',
        );
    }
    this.#listed = turnPage(this.#listed, listed);
  }

  async #note(seen: readonly SeenTool[]): Promise<void> {
    this.#asked += 1;
    const question = this.#asked;
    const standings = await this.#parts.pins.note(this.spec.serverId, seen);
    if (question < this.#answered) return;
    this.#answered = question;
    const before = this.#standings;
    this.#standings = standings;
    for (const pin of this.#listed.values()) {
      if (callability(pin, standings) === 'changed' && callability(pin, before) !== 'changed')
        this.#parts.log.error(
          { event: 'upstream.tool-changed', tool: pin.listedName },
          'a tool changed its definition and is refused until a person has accepted it',
        );
    }
    this.#parts.onChange();
  }
}
