import { type FlowCall, valuesOf } from './call.ts';
import type { Rule } from './facts.ts';
import { fetchVerbs, guardedFamilies } from './language/words.ts';
import type { ToolProfile } from './tool/tool-profile.ts';

/**
 * Where a yes counts once more, besides the one call that it let through; undefined: nowhere. A site that may be looked at may be looked
 * at, and its forms used, by whichever tool does. A value that a person let this tool write, tell, book or change, it may again. What
 * pays, buys, cancels, deletes, runs, lets in or sets a password, or is of no known kind, is asked about each time; only where it is nothing but the thing it is done to
 * it is wanted once it was, for things known by then.
 */
export function reuseOf(rule: Rule, call: FlowCall): string | undefined {
  const { profile } = call;
  const tool = profile.key ?? profile.name;
  if (rule === 'R2') return profile.tier === 'fetch' || usesForms(profile) ? 'site' : undefined;
  if (rule === 'R6') return isNothingButThings(call) || isEveryday(profile) ? tool : undefined;
  return profile.tier === 'write' || isEveryday(profile) ? tool : undefined;
}

/** Of what a tool does that is known to do nothing graver than telling, planning and changing. */
export const isEveryday = ({ families }: ToolProfile): boolean =>
  families.length > 0 &&
  families.every((family) => !guardedFamilies.has(family) && family !== 'purchase' && family !== 'cancel');

/** Whether all that it does is to visit a page or to fill in what is there. */
export const usesForms = ({ families, verb }: ToolProfile): boolean =>
  families.length === 0 ? fetchVerbs.has(verb) : families.every((family) => family === 'submit');

/** "delete 7": no amount, no text, no switch that a person might have read differently. Without a thing it is done to whatever is there by then. */
function isNothingButThings(call: FlowCall): boolean {
  const { values, overflow } = valuesOf(call);
  if (values.length === 0) return false;
  return !overflow && values.every(({ role }) => role === 'ref' || role === 'path') && !hasSwitch(call.args);
}

const hasSwitch = (held: unknown): boolean =>
  typeof held === 'boolean' || (typeof held === 'object' && held !== null && Object.values(held).some(hasSwitch));
