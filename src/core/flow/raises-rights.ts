/** An argument that makes somebody more than they were, in whatever tool it stands: "user_update" with the role of an administrator. */
const names =
  /(?:^|[._-])(?:roles?|permissions?|privileges?|access_?levels?|user_?types?)$|(?:Role|Roles|Permissions?|AccessLevel)$/i;
const flags = /^(?:is_?)?(?:admin|administrator|owner|super_?user|staff|root)$/i;
const high =
  /^(?:(?:super|global|org|organization|workspace|account|tenant|site)?[ _-]?(?:admin|administrator|owner|root|super_?user)|maintainer|full(?:[ _-]?(?:access|control))?|\*|all)$/i;
const deepest = 6;

export function raisesRights(args: Readonly<Record<string, unknown>>, depth = 0): boolean {
  return Object.entries(args).some(([name, held]) => {
    const values = Array.isArray(held) ? held : [held];
    if (names.test(name) && values.some((value) => typeof value === 'string' && high.test(value.trim()))) return true;
    if (flags.test(name) && values.some((value) => value === true || value === 1 || value === 'true')) return true;
    if (depth >= deepest) return false;
    return values.some(
      (value) =>
        typeof value === 'object' &&
        value !== null &&
        raisesRights(value as Readonly<Record<string, unknown>>, depth + 1), // any object can be read by key
    );
  });
}
