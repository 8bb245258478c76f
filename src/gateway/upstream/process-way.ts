import { Client, type JSONRPCMessage, type Transport } from '@modelcontextprotocol/client';
import type { ProcessSpec } from '../../contract/config.ts';
import type { Destination } from '../call/live-call.ts';
import { Places } from '../fence/places.ts';
import type { Era } from '../mcp/era.ts';
import type { UpstreamSecrets } from '../secrets/upstream-secrets.ts';
import { mostListed } from './bounded-fetch.ts';
import { Child, type ChildEnvironment, environmentOf } from './child.ts';
import { TaskChild, type TaskChildSpec } from './task-child.ts';
import type { Discovered, Way } from './way.ts';

const listMs = 10_000;
const mostChildren = 64;
const idleMs = 5 * 60_000;
const sweepMs = 30_000;
/** For what is under way when a secret is rotated. */
const longestDrainMs = 10_000;
const firstBackOffMs = 500;
const longestBackOffMs = 30_000;
/** A process that lives shorter than this did not come up. */
const cameUpMs = 5_000;

/** A server that the gateway starts itself: one process to list its tools, gone at once, and one for each task that calls it. */
export class ProcessWay implements Way {
  readonly #spec: ProcessSpec;
  readonly #secrets: Pick<UpstreamSecrets, 'ready' | 'read'>;
  readonly #children = new Map<string, TaskChild>();
  readonly #draining = new Set<TaskChild>();
  readonly #places = new Places(mostChildren);
  readonly #drainMs: number;
  readonly #sweeping: NodeJS.Timeout;
  #protocol: { readonly era: Era; readonly version: string } | undefined;
  #listing: Child | undefined;
  #backOffMs = firstBackOffMs;
  #notBefore = 0;
  #closed = false;

  constructor(spec: ProcessSpec, secrets: Pick<UpstreamSecrets, 'ready' | 'read'>, drainMs = longestDrainMs) {
    this.#drainMs = drainMs;
    this.#spec = spec;
    this.#secrets = secrets;
    this.#sweeping = setInterval(() => this.#sweep(), sweepMs);
    this.#sweeping.unref();
  }

  async discover(): Promise<Discovered> {
    const client = new Client({ name: 'estop-gateway', version: '1' }, { versionNegotiation: { mode: 'auto' } });
    const references = Object.values(this.#spec.env).filter((value) => typeof value !== 'string');
    for (const reference of references) await this.#secrets.ready(reference);
    const transport = new ChildTransport(this.#spec, this.#environment(), (child) => {
      this.#listing = child;
    });
    try {
      await client.connect(transport, { timeout: listMs });
      const capabilities = client.getServerCapabilities() ?? {};
      const { tools } =
        capabilities.tools === undefined ? { tools: [] } : await client.listTools(undefined, { timeout: listMs });
      this.#protocol = {
        era: client.getProtocolEra() === 'modern' ? 'modern' : 'legacy',
        version: client.getNegotiatedProtocolVersion() ?? '2025-03-26',
      };
      return { tools, capabilities };
    } finally {
      await client.close().catch(() => undefined);
      this.#listing?.kill();
    }
  }

  /** Nothing is called in the gateway's own name. */
  prepare(): undefined {
    return undefined;
  }

  async openLink(): Promise<undefined> {
    return undefined;
  }

  /** The caller has asked the fence in this tick. Undefined: too many, or it keeps dying. */
  forTask(taskId: string, spec: TaskChildSpec): Destination | undefined {
    const environment = this.#environment();
    const known = this.#children.get(taskId);
    if (known?.isAlive === true) {
      if (known.isFor(environment)) return known;
      this.#drain(taskId, known);
    }
    if (this.#closed || this.#protocol === undefined) return undefined;
    const begun = performance.now();
    if (begun < this.#notBefore) return undefined;
    const leave = this.#places.enter('', spec.agentId);
    if (leave === undefined) return undefined;
    const child = new TaskChild(spec, this.#spec, environment, this.#protocol);
    this.#children.set(taskId, child);
    void child.ended.then(() => {
      leave();
      if (this.#children.get(taskId) === child) this.#children.delete(taskId);
      if (child.wasEnded) return;
      const now = performance.now();
      if (now - begun > cameUpMs) this.#backOffMs = firstBackOffMs;
      else {
        this.#notBefore = now + this.#backOffMs;
        this.#backOffMs = Math.min(this.#backOffMs * 2, longestBackOffMs);
      }
    });
    return child;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#sweeping);
    this.#listing?.kill();
    for (const child of [...this.#children.values(), ...this.#draining]) child.destroy();
  }

  /** Started with what has been rotated since: it ends with the calls that it has, and is not waited for beyond a while. */
  #drain(taskId: string, child: TaskChild): void {
    this.#children.delete(taskId);
    this.#draining.add(child);
    void child.ended.then(() => this.#draining.delete(child));
    child.drain(this.#drainMs);
  }

  #environment(): ChildEnvironment {
    return environmentOf(this.#spec, (reference) => this.#secrets.read(reference));
  }

  /** Also of tasks that call no more: nobody keeps what was rotated for longer than it takes to notice. */
  #drainOutdated(): void {
    try {
      const environment = this.#environment();
      for (const [taskId, child] of this.#children) if (!child.isFor(environment)) this.#drain(taskId, child);
    } catch {
      // It cannot be read now, so that nothing is called; what is under way has its time-out.
    }
  }

  #sweep(): void {
    this.#drainOutdated();
    const oldest = performance.now() - idleMs;
    for (const child of this.#children.values()) if (child.isIdle && child.usedAt < oldest) child.destroy();
  }
}

/** For the official client, which finds out which revision the process speaks and walks the pages of its list. */
class ChildTransport implements Transport {
  onmessage?: Transport['onmessage'];
  onclose?: Transport['onclose'];
  onerror?: Transport['onerror'];
  readonly #start: () => Child;
  #child: Child | undefined;

  constructor(spec: ProcessSpec, environment: ChildEnvironment, started: (child: Child) => void) {
    this.#start = () => {
      // The client parses what it is given: it is no less a message than what comes over HTTP.
      const child = new Child(spec, environment, (message) => this.onmessage?.(message as JSONRPCMessage), mostListed);
      started(child);
      return child;
    };
  }

  async start(): Promise<void> {
    this.#child = this.#start();
    void this.#child.ended.then(() => this.onclose?.());
  }

  async send(message: JSONRPCMessage): Promise<void> {
    if (this.#child?.say(JSON.stringify(message)) !== true) throw new Error('the process has ended');
  }

  async close(): Promise<void> {
    this.#child?.kill();
  }
}
