import type { NotificationsSpec } from '../../src/contract/notifications.ts';
import { type Receiver, startReceiver } from './receiver.ts';
import { pager, spec } from './telling.ts';

/** Owner Olga, stop-holder Sam and whoever is on duty: each hears of nothing unless they are called. */
export interface Ladder {
  readonly olga: Receiver;
  readonly sam: Receiver;
  readonly duty: Receiver;
  /** Who is called about a stop that was latched, and when. */
  told(steps: NotificationsSpec['escalation']['steps']): NotificationsSpec;
}

export async function startLadder(): Promise<Ladder> {
  const [olga, sam, duty] = await Promise.all([startReceiver(), startReceiver(), startReceiver()]);
  const endpoints = Object.entries({ olga, sam, duty }).map(([endpointId, { url }]) =>
    pager(url, { endpointId, events: [] }),
  );
  const told = (steps: NotificationsSpec['escalation']['steps']): NotificationsSpec =>
    spec({
      endpoints,
      escalation: { events: ['stop.latched'], steps, contacts: { olga: 'olga', sam: 'sam' }, onCall: ['duty'] },
    });
  return { olga, sam, duty, told };
}
