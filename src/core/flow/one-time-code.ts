/**
 * A one-time code completes what was begun. Begun by this task, or asked for: a code that came in while mails were read may complete what
 * somebody else has begun elsewhere (a new device, a payment, the end of an account).
 */
import type { FlowCall } from './call.ts';
import type { KeyedHash } from './keyed-hash.ts';
import { stem } from './language/stem.ts';
import type { Family } from './language/words.ts';
import type { TaskFlow } from './task-flow.ts';

const begunKey = (hash: KeyedHash): string => hash('d:begun');
/** What nobody is sent a code for. */
const withoutCode: ReadonlySet<Family> = new Set<Family>(['message', 'save', 'book', 'move', 'publish']);
const asks =
  'code verify verification confirm validate authenticate otp 2fa mfa totp login log sign signin register enroll activate'
    .split(' ')
    .map(stem);

/** What a task remembers of a call that may end in a code. */
export const begins = (flow: TaskFlow, { profile }: FlowCall): readonly string[] =>
  (profile.tier === 'write' || profile.tier === 'destructive') &&
  (profile.families.length === 0 || profile.families.some((family) => !withoutCode.has(family)))
    ? [begunKey(flow.hash)]
    : [];

export const isAwaited = ({ verbs, hash }: TaskFlow): boolean =>
  verbs.has(begunKey(hash)) || asks.some((word) => verbs.has(hash(`v:${word}`)));
