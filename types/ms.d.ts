/**
 * The Temporal SDK types its durations with `ms`, whose package declares no types for `nodenext`, so that every duration
 * would silently become `any` and a nonsense string would compile. This declaration, mapped in tsconfig.base.json, closes it.
 */
type Unit =
  | 'ms' | 'msec' | 'msecs' | 'millisecond' | 'milliseconds'
  | 's' | 'sec' | 'secs' | 'second' | 'seconds'
  | 'm' | 'min' | 'mins' | 'minute' | 'minutes'
  | 'h' | 'hr' | 'hrs' | 'hour' | 'hours'
  | 'd' | 'day' | 'days';

export type StringValue = `${number}` | `${number}${Unit}` | `${number} ${Unit}`;

export default function ms(value: StringValue): number;
