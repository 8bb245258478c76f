import type { Agent } from 'node:http';
import { ClientLink, type LinkSpec } from './client-link.ts';
import { type Discovery, discover } from './discover.ts';
import { openSockets, PreparedCall } from './prepared-call.ts';
import { inNameOf, type OutgoingCall, wireRequest } from './session.ts';
import type { Discovered, Way } from './way.ts';

/** A server somewhere else, reached over streamable HTTP. */
export class HttpWay implements Way {
  readonly #url: URL;
  /** The gateway's own, for lists. */
  readonly #authorization: () => Promise<string | undefined>;
  readonly #sockets: Agent;
  #discovery: Discovery | undefined;
  #closed = false;

  constructor(url: URL, authorization: () => Promise<string | undefined>) {
    this.#url = url;
    this.#authorization = authorization;
    this.#sockets = openSockets(url);
  }

  async discover(): Promise<Discovered> {
    const found = await discover(this.#url, await this.#authorization());
    if (this.#closed) await found.close();
    else {
      await this.#discovery?.close();
      this.#discovery = found;
    }
    return found;
  }

  prepare(call: OutgoingCall): { readonly call: PreparedCall; readonly body: string } | undefined {
    if (this.#discovery === undefined) return undefined;
    const { session } = this.#discovery;
    const { headers, body } = wireRequest(inNameOf(call, session), call);
    return { call: new PreparedCall(session, this.#sockets, headers), body };
  }

  async openLink(spec: LinkSpec, version: string): Promise<ClientLink | undefined> {
    if (this.#discovery === undefined || this.#closed) return undefined;
    return ClientLink.open(spec, this.#discovery.session, this.#sockets, version);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#sockets.destroy();
    await this.#discovery?.close();
  }
}
