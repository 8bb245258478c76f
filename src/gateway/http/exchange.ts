import type { IncomingMessage, ServerResponse } from 'node:http';
import { traced } from '../../contract/tracing.ts';
import { pass } from '../gate.ts';
import { listenEverywhere } from '../mcp/listen-everywhere.ts';
import type { McpClient } from '../mcp/mcp-client.ts';
import type { Answer, Asked, Denial, GateHost, Passage, UpstreamRefusal } from '../passage.ts';

interface Exchange {
  readonly host: GateHost;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly asked: Asked;
  /** Where a client may put its token elsewhere than into the header of that name. */
  readonly authorization?: string | undefined;
  /** Writes an answer that the gate let out. */
  readonly answer: (answer: Answer) => void;
  readonly deny: (denial: Denial) => void;
  readonly client?: McpClient;
  /** Writes an upstream's own refusal that the gate let out. */
  readonly refused?: (refusal: UpstreamRefusal) => void;
  /** Whether the answer can still be fetched when this connection is gone. */
  readonly survives?: () => boolean;
}

/** One request through the gate, and exactly one reply. */
export async function exchange({
  host,
  request,
  response,
  asked,
  authorization,
  answer,
  deny,
  client,
  refused,
  survives,
}: Exchange): Promise<void> {
  let delivered = false;
  const gone: (() => void)[] = [];
  response.once('close', () => {
    if (asked.kind !== 'stream' && (response.writableFinished || survives?.() === true)) return;
    for (const listener of gone) listener();
  });
  const cancel = (): void => {
    for (const listener of gone) listener();
  };
  const forget = client?.requestId === undefined ? undefined : client.session?.onCancel(client.requestId, cancel);
  const passage: Passage = {
    host,
    asked,
    authorization: authorization ?? request.headers.authorization,
    facts: {},
    ...(client === undefined ? {} : { client }),
    deliver: (value) => {
      try {
        answer(value);
      } catch (thrown) {
        // What cannot be written down is told as a denial, unless a part of it has gone out.
        delivered = response.headersSent;
        if (delivered) response.destroy();
        throw thrown;
      }
      delivered = true;
    },
    deliverError: (refusal) => {
      delivered = true;
      if (refused === undefined) deny({ kind: 'denied', reason: 'internal' });
      else refused(refusal);
    },
    onClientGone: (listener) => {
      gone.push(listener);
      if (response.destroyed) listener();
    },
  };
  const servers = listenedAt(passage);
  const denial = await traced(`gateway ${asked.kind}`, 'server', () =>
    servers === undefined ? pass(passage) : listenEverywhere(passage, servers),
  );
  forget?.();
  if (denial !== undefined && !delivered) return deny(denial);
  // A column without a step that answers, or an answer that failed half way: never silence.
  if (!delivered) deny({ kind: 'denied', reason: 'internal' });
}

/** On the endpoint of all servers a stream of changes has a part for each of them. */
function listenedAt({ host, asked, client }: Passage): readonly string[] | undefined {
  if (asked.kind !== 'subscription' || asked.method !== 'subscriptions/listen') return undefined;
  const servers = host.tools.servers().map(({ spec }) => spec.serverId);
  return client === undefined || client.endpoint !== undefined || servers.length < 2 ? undefined : servers;
}
