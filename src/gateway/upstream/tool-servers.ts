import type { ConfigSource, ToolServerSpec } from '../../contract/config.ts';
import type { Log } from '../../contract/identity.ts';
import type { ToolStanding } from '../../store/tool-pins.ts';
import type { UpstreamSecrets } from '../secrets/upstream-secrets.ts';
import type { PinPort } from './pin-port.ts';
import type { ToolPin } from './tool-pin.ts';
import { ToolServer } from './tool-server.ts';

export interface FoundTool {
  readonly server: ToolServer;
  readonly pin: ToolPin;
  readonly changed: boolean;
  readonly standing: ToolStanding;
}

/** The upstream servers of the configuration in force. */
export class ToolServers {
  readonly #config: ConfigSource;
  readonly #secrets: UpstreamSecrets;
  readonly #pins: PinPort;
  readonly #log: Log;
  #servers = new Map<string, ToolServer>();
  #specs: readonly ToolServerSpec[] | undefined;
  #version = 0;

  constructor(config: ConfigSource, secrets: UpstreamSecrets, pins: PinPort, log: Log) {
    this.#config = config;
    this.#secrets = secrets;
    this.#pins = pins;
    this.#log = log;
    this.#reconcile();
  }

  /** Rises whenever the list of tools may have changed. */
  get version(): number {
    this.#reconcile();
    return this.#version;
  }

  /** When every server has been asked once, whether it answered or not. */
  async firstTries(): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server.firstTry));
  }

  /** The tools of some server are not on record yet, and nothing but the store is to blame. */
  get waitForStore(): boolean {
    return [...this.#servers.values()].some((server) => server.waitsForStore);
  }

  /** The version of the record of tools, as the newest renewal told it. */
  hearOf(version: number): void {
    for (const server of this.#servers.values()) server.hearOf(version);
  }

  all(): readonly ToolPin[] {
    this.#reconcile();
    return [...this.#servers.values()].flatMap((server) => server.tools);
  }

  servers(): readonly ToolServer[] {
    this.#reconcile();
    return [...this.#servers.values()];
  }

  server(serverId: string): ToolServer | undefined {
    this.#reconcile();
    return this.#servers.get(serverId);
  }

  find(listedName: string): FoundTool | undefined {
    this.#reconcile();
    const server = this.#servers.get(listedName.slice(0, listedName.indexOf('__')));
    const found = server?.find(listedName);
    return server === undefined || found === undefined ? undefined : { server, ...found };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server.close()));
  }

  /** A configuration is swapped whole: one look at its identity tells whether anything can have changed. */
  #reconcile(): void {
    const specs = this.#config.current().toolServers;
    if (specs === this.#specs) return;
    this.#specs = specs;
    this.#version += 1;
    const before = this.#servers;
    this.#servers = new Map(specs.map((spec) => [spec.serverId, this.#keep(before.get(spec.serverId), spec)]));
    for (const [serverId, server] of before) if (this.#servers.get(serverId) !== server) void server.close();
  }

  #keep(server: ToolServer | undefined, spec: ToolServerSpec): ToolServer {
    if (server !== undefined && connectionOf(server.spec) === connectionOf(spec)) return server;
    const onChange = (): void => {
      this.#version += 1;
    };
    return new ToolServer({ spec, secrets: this.#secrets, pins: this.#pins, log: this.#log, onChange });
  }
}

/** What a connection is made from; what people decide of its tools is looked up for each call. */
function connectionOf({
  tiers: _tiers,
  labels: _labels,
  roles: _roles,
  trusted: _trusted,
  sharedBy: _sharedBy,
  ...spec
}: ToolServerSpec): string {
  return JSON.stringify(spec);
}
