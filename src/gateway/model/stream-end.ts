import type { DialectName } from './dialect.ts';

/** In what a model wrote every quote stands behind a backslash, so that it can say none of this. */
const ends: Readonly<Record<DialectName, RegExp>> = {
  // Not everybody who copies the protocol says the last word of it.
  chat: /^data: ?\[DONE\]|"finish_reason": ?"|^data: ?\{ ?"error":/m,
  responses: /"type": ?"(?:response\.(?:completed|failed|incomplete)|error)"/,
  messages: /"type": ?"(?:message_stop|error)"/,
};

/** Whether a stream may end after this event. One that ends before is half an answer, however well it was ended. */
export const isEnd = (dialect: DialectName, event: Buffer): boolean => ends[dialect].test(event.toString('latin1'));
