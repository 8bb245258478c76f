import type { ServerCapabilities } from '@modelcontextprotocol/client';
import type { ToolServerSpec } from '../../contract/config.ts';
import type { Log } from '../../contract/identity.ts';
import { EstopError, errorCodeOf } from '../../core/errors.ts';
import type { SeenTool, ToolStanding, ToolStandings } from '../../store/tool-pins.ts';
import type { Destination } from '../call/live-call.ts';
import type { ReachMethod } from '../mcp/methods.ts';
import { Credential } from '../secrets/credential.ts';
import type { UpstreamSecrets } from '../secrets/upstream-secrets.ts';
import type { ClientLink, LinkSpec } from './client-link.ts';
import { HttpWay } from './http-way.ts';
import type { PinPort } from './pin-port.ts';
import type { Prepared } from './prepared.ts';
import { ProcessWay } from './process-way.ts';
import type { OutgoingCall } from './session.ts';
import { Streams } from './streams.ts';
import type { TaskChildSpec } from './task-child.ts';
import { callability, seenTool, type ToolPin, turnPage } from './tool-pin.ts';
import type { Discovered, Way } from './way.ts';

interface ToolServerParts {
  readonly spec: ToolServerSpec;
  readonly secrets: UpstreamSecrets;
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
  readonly streams = new Streams();
  readonly #parts: ToolServerParts;
  readonly #way: Way;
  #listed: ReadonlyMap<string, ToolPin> = new Map();
  #standings: ToolStandings | undefined;
  /** Which question the standings answer: an answer to an earlier one that comes later is dropped. */
  #answered = 0;
  #asked = 0;
  #isAsking = false;
  #found: Discovered | undefined;
  #timer: NodeJS.Timeout | undefined;
  #retryMs = firstRetryMs;
  #closed = false;
  #waitsForStore = false;
  readonly #firstTry: Promise<void>;

  constructor(parts: ToolServerParts) {
    this.#parts = parts;
    this.spec = parts.spec;
    this.#way = openWay(parts);
    this.#firstTry = this.#refresh();
  }

  /** By which calls under way there are counted. */
  get place(): string {
    return `server ${this.spec.serverId}`;
  }

  /** Once the first discovery has succeeded or failed. */
  get firstTry(): Promise<void> {
    return this.#firstTry;
  }

  /** Nothing of it can be called yet, for want of the store alone: a server that does not answer keeps nobody waiting. */
  get waitsForStore(): boolean {
    return this.#waitsForStore && this.#standings === undefined;
  }

  /** Offered to agents. Empty while the server cannot be reached: what cannot be called is not listed. */
  get tools(): readonly ToolPin[] {
    if (this.#found === undefined) return [];
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
  prepare(call: OutgoingCall): { readonly call: Prepared; readonly body: string } | undefined {
    return this.#found === undefined ? undefined : this.#way.prepare(call);
  }

  /** What it said at discovery that it has. */
  get capabilities(): ServerCapabilities {
    return this.#found?.capabilities ?? {};
  }

  serves(method: ReachMethod): boolean {
    const { prompts, resources, completions } = this.capabilities;
    if (this.#found === undefined) return false;
    if (method.startsWith('resources/')) return resources !== undefined;
    if (method.startsWith('prompts/')) return prompts !== undefined;
    return method === 'subscriptions/listen' || completions !== undefined;
  }

  /** A client's own session with this server. Undefined: it keeps none. */
  async openLink(spec: LinkSpec, version: string): Promise<ClientLink | undefined> {
    return this.#found === undefined || this.#closed ? undefined : this.#way.openLink(spec, version);
  }

  get isProcess(): boolean {
    return this.#way.forTask !== undefined;
  }

  /** Of a server that is a process: the one of this task. Undefined: it cannot be started now. */
  forTask(taskId: string, spec: TaskChildSpec): Destination | undefined {
    return this.#found === undefined ? undefined : this.#way.forTask?.(taskId, spec);
  }

  forgotten(): void {
    this.refreshSoon();
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
    await this.#way.close();
  }

  async #refresh(): Promise<void> {
    const { log, onChange } = this.#parts;
    const { serverId } = this.spec;
    let waitMs = refreshMs;
    try {
      const found = await this.#way.discover();
      if (this.#closed) return;
      this.#found = found;
      // Whatever the store says: a definition that is not the accepted one is refused from here on.
      await this.#turnPage(found);
      if (this.#closed) return;
      await this.#note([...this.#listed.values()].map(seenTool));
      this.#retryMs = firstRetryMs;
    } catch (thrown) {
      // A server that fails to list keeps the session that it has: calls in flight decide for themselves.
      log.warn(
        { event: 'upstream.undiscovered', server: serverId, code: errorCodeOf(thrown) },
        'the tools of an upstream server cannot be listed, or not be recorded',
      );
      // For the first tries: a list with which the store never gets done must not keep the other servers' tools away for good.
      this.#waitsForStore = errorCodeOf(thrown) === 'store-unavailable' && this.#retryMs < longestRetryMs;
      waitMs = this.#retryMs;
      this.#retryMs = Math.min(this.#retryMs * 2, longestRetryMs);
    }
    onChange();
    if (!this.#closed) {
      this.#timer = setTimeout(() => void this.#refresh(), waitMs);
      this.#timer.unref();
    }
  }

  async #turnPage(found: Discovered): Promise<void> {
    const { log } = this.#parts;
    const { serverId } = this.spec;
    const { listed, refused } = await turnPage(serverId, this.#listed, found.tools);
    for (const { name, why } of refused)
      log.warn(
        { event: 'upstream.tool-refused', server: serverId, tool: name.slice(0, 64), why },
        'a tool is not offered',
      );
    this.#listed = listed;
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

function openWay({ spec, secrets }: ToolServerParts): Way {
  const { url, credential, process } = spec;
  if (process !== undefined) return new ProcessWay(process, secrets);
  if (url === undefined) throw new EstopError('config-invalid', { detail: `${spec.serverId} has no url` });
  return new HttpWay(new URL(url), async () => {
    if (credential === undefined) return undefined;
    await secrets.ready(credential);
    return new Credential(secrets.read(credential)).header;
  });
}
