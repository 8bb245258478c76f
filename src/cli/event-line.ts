import type { BreakerTrip } from '../contract/http/limits.ts';
import { tripWords } from '../contract/trip-words.ts';
import type { EstopEvent } from '../sdk/index.ts';
import { visible } from './visible.ts';

/** One event as one line: what it is about, how it stands now, and the id to ask further with. Times are of hearing, not of happening. */
export function eventLine({ name, data }: EstopEvent, heardAt: Date): string {
  const held = typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {}; // each key is checked
  const words = wordsOf(name, held);
  return `${heardAt.toISOString().slice(11, 19)}Z  ${visible(name).padEnd(10)}  ${words.map(visible).join('  ')}`.trimEnd();
}

function wordsOf(name: EstopEvent['name'], data: Readonly<Record<string, unknown>>): readonly string[] {
  const text = (key: string): string => (typeof data[key] === 'string' ? data[key] : '');
  const because = (key: string): readonly string[] => (text(key) === '' ? [] : [text(key)]);
  switch (name) {
    case 'stop':
      return [
        text('scopeKey'),
        data['inForce'] === false ? 'reset' : text('reached'),
        text('stopId'),
        ...because('reason'),
      ];
    case 'obligation':
      return [`${text('connector')} ${text('target')}`, text('state'), text('obligationId'), ...because('needsHuman')];
    case 'task':
      return [text('agentId'), stateOfTask(data), text('taskId'), ...because('purpose')];
    case 'approval':
      return [text('tool'), text('state'), text('approvalId'), ...because('stoppedBy')];
    case 'breaker': {
      const trip = data as unknown as BreakerTrip; // the server's schemas are the contract
      return [
        trip.agentId,
        trip.breaker,
        trip.clearedAt === null ? trip.action : 'over',
        tripWords(trip),
        trip.stopId ?? '',
      ];
    }
    case 'hello':
    case 'bye':
      return [];
  }
}

/** As `estop task ls` says it: that a stop covers a task says more than that it still runs. */
function stateOfTask(data: Readonly<Record<string, unknown>>): string {
  const text = (key: string, otherwise = ''): string => (typeof data[key] === 'string' ? data[key] : otherwise);
  const state = text('state');
  if (state === 'closed') return `closed (${text('outcome', 'unknown')})`;
  if (text('stoppedBy') !== '') return 'stopping';
  return data['held'] === true ? `${state}, held` : state;
}
