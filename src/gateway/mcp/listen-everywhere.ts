import { bearerOf, fenceDenial } from '../checks/fence.ts';
import { pass } from '../gate.ts';
import { type Denial, denied, type Passage, type UpstreamRefusal } from '../passage.ts';
import { isRecord } from '../upstream/read-reply.ts';
import { joinUri } from './names.ts';

const acknowledged = 'notifications/subscriptions/acknowledged';
/** A server that says nothing does not keep the others from being heard. */
const ackPatienceMs = 3_000;
const mostHeld = 100;

interface Part {
  readonly serverId: string;
  /** Its stream was opened. */
  isSent: boolean;
  isOver: boolean;
  ack: Readonly<Record<string, unknown>> | undefined;
  passage: Passage | undefined;
}

type Ended = { readonly denial: Denial } | { readonly refusal: UpstreamRefusal } | { readonly answer: object };

/**
 * The changes of all servers on one stream. Each server's part goes through the whole gate by itself, with its own credential,
 * budget and policy. A part that is refused, or that its server does not know, is left out; once one that was open ends, all of it
 * ends, so that no client believes to be told of what it is not.
 */
export async function listenEverywhere(whole: Passage, serverIds: readonly string[]): Promise<Denial | undefined> {
  const parts = serverIds.map(
    (serverId): Part => ({ serverId, isSent: false, isOver: false, ack: undefined, passage: undefined }),
  );
  const gone: (() => void)[] = [];
  const leave = (): void => gone.forEach((listener) => listener());
  whole.onClientGone(leave);
  const relay = mergedRelay(whole, parts);
  const ends = await Promise.all(
    parts.map(async (part) => {
      const end = await listenAt(whole, part, relay.hear, gone);
      part.isOver = true;
      if (part.isSent && part.ack !== undefined) leave();
      relay.look();
      return { part, end };
    }),
  );
  relay.close();
  // Of those that were open the first that ended on its own account; the others ended because of it.
  const [said] = [...ends].sort((a, b) => weight(a) - weight(b));
  if (said === undefined) return denied('resource-not-available');
  const { end } = said;
  if ('denial' in end) return end.denial;
  // It waited for the others to end: a stop may have come since.
  const stopped = fenceDenialOf(said.part);
  if (stopped !== undefined) return stopped;
  if ('refusal' in end) whole.deliverError(end.refusal);
  else whole.deliver({ ...end.answer });
  return undefined;
}

/** rule: fence-before-answer. For what was not passed on in the tick in which it came. */
function fenceDenialOf({ passage }: Part): Denial | undefined {
  if (passage?.facts.claims === undefined) return denied('internal');
  return fenceDenial(passage.host.fence.check(bearerOf(passage)), true);
}

/** A stop before everything else, then what was open, then what a server refused. */
function weight({ part, end }: { readonly part: Part; readonly end: Ended }): number {
  if ('denial' in end && end.denial.kind === 'stopped') return 0;
  if (part.ack !== undefined) return 'denial' in end ? 1 : 2;
  return 'refusal' in end ? 3 : 4;
}

async function listenAt(
  whole: Passage,
  part: Part,
  hear: (part: Part, message: object) => boolean,
  gone: (() => void)[],
): Promise<Ended> {
  const { asked, client } = whole;
  if (asked.kind !== 'subscription' || client === undefined) return { denial: denied('internal') };
  let ended: Ended = { denial: denied('internal') };
  const passage: Passage = {
    host: whole.host,
    authorization: whole.authorization,
    asked: { ...asked, serverId: part.serverId },
    facts: {},
    client: {
      ...client,
      relay: (message) => hear(part, message),
      sent: () => {
        part.isSent = true;
      },
    },
    deliver: (answer) => {
      ended = { answer };
    },
    deliverError: (refusal) => {
      ended = { refusal };
    },
    onClientGone: (listener) => gone.push(listener),
  };
  part.passage = passage;
  const denial = await pass(passage);
  return denial === undefined ? ended : { denial };
}

/** One acknowledgement, of what all servers together acknowledged, and nothing before it. */
function mergedRelay(whole: Passage, parts: readonly Part[]) {
  const held: { readonly part: Part; readonly message: object }[] = [];
  let isAcknowledged = false;
  let timer: NodeJS.Timeout | undefined;
  const acknowledge = (): void => {
    clearTimeout(timer);
    if (isAcknowledged || !parts.some(({ ack }) => ack !== undefined)) return;
    isAcknowledged = true;
    whole.client?.sent();
    whole.client?.relay({ jsonrpc: '2.0', method: acknowledged, params: mergedAck(parts) });
    for (const { part, message } of held.splice(0)) if (fenceDenialOf(part) === undefined) whole.client?.relay(message);
  };
  const look = (): void => {
    if (parts.every(({ ack, isOver }) => ack !== undefined || isOver)) acknowledge();
  };
  return {
    look,
    close: () => clearTimeout(timer),
    hear: (part: Part, message: object): boolean => {
      const { method, params } = message as { readonly method?: unknown; readonly params?: unknown }; // as relayChanges makes it
      if (method === acknowledged) {
        part.ack ??= isRecord(params) ? params : {};
        timer ??= setTimeout(acknowledge, ackPatienceMs).unref();
        look();
        return true;
      }
      if (isAcknowledged) return whole.client?.relay(message) ?? false;
      if (held.length < mostHeld) held.push({ part, message });
      return true;
    },
  };
}

function mergedAck(parts: readonly Part[]): object {
  const notifications: Record<string, unknown> = {};
  const uris: string[] = [];
  let meta: unknown;
  for (const { serverId, ack } of parts) {
    const { notifications: own, _meta } = ack ?? {};
    meta ??= _meta;
    for (const [key, value] of Object.entries(isRecord(own) ? own : {})) {
      if (value === true) notifications[key] = true;
      if (key === 'resourceSubscriptions' && Array.isArray(value))
        uris.push(...value.filter((uri) => typeof uri === 'string').map((uri) => joinUri(serverId, uri)));
    }
  }
  if (uris.length > 0) notifications['resourceSubscriptions'] = uris;
  return { notifications, ...(meta === undefined ? {} : { _meta: meta }) };
}
