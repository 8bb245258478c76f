/**
 * An argument that makes somebody more than they were, in whatever tool it stands: "user_update" with the role of an administrator.
 * What is written as JSON inside a string is not looked into, and neither are the numbers and names that a server gave its roles.
 */
import { plain } from './canonical.ts';
import { wordsOfName } from './language/stem.ts';

const names =
  /(?:^|_)(?:roles?|permissions?|privileges?|access_?levels?|user_?types?)(?:_(?:names?|ids?|levels?|types?))?$/;
/** Of these "all" and "full" say nothing of rights. */
const wide = /(?:^|_)(?:access|groups?)$/;
const flags =
  /^(?:(?:is|make|as)_?)?(?:admin|administrator|owner|super_?user|staff|root)(?:_?(?:access|rights?|user))?$/;
const chief =
  /^(?:(?:super|global|org|organization|workspace|account|tenant|site|system)?[ _-]?(?:admin|administrator|owner|root|super_?user)s?)$/;
const high = /^(?:maintainer|full(?:[ _-]?(?:access|control))?|\*|all)$/;
/** Of those that count their levels, the maintainer is the fortieth. */
const highLevel = 40;
const deepest = 6;

export function raisesRights(args: Readonly<Record<string, unknown>>, depth = 0, within = ''): boolean {
  return Object.entries(args).some(([key, held]) => {
    const own = wordsOfName(key).join('_');
    // "role: { name: admin }"
    const name = names.test(within) && /^(?:name|id|type|level|value|\d+)$/.test(own) ? within : own;
    const values = Array.isArray(held) ? held : [held];
    if (values.some((value) => isHigh(name, value))) return true;
    if (depth >= deepest) return false;
    return values.some(
      (value) =>
        typeof value === 'object' &&
        value !== null &&
        raisesRights(value as Readonly<Record<string, unknown>>, depth + 1, own), // any object can be read by key
    );
  });
}

function isHigh(name: string, value: unknown): boolean {
  if (flags.test(name) && (value === true || value === 1 || value === 'true')) return true;
  if (/access_?level$/.test(name) && Number(value) >= highLevel) return true;
  if (typeof value !== 'string' || value.length > 64) return false;
  const isName = names.test(name);
  if (!isName && !wide.test(name)) return false;
  const said = plain(value).trim();
  return chief.test(said) || (isName && high.test(said));
}
