/**
 * Who may do what, as estop.yaml or an identity provider says it. A mandate is a role, over every agent or over those that carry all
 * of some labels. Labels bound what somebody may CHANGE; whoever may read, reads everything.
 */
export const personRoles = ['viewer', 'approver', 'operator', 'admin'] as const;
export type PersonRole = (typeof personRoles)[number];

const includedIn: Readonly<Record<PersonRole, readonly PersonRole[]>> = {
  viewer: ['approver', 'operator', 'admin'],
  approver: ['admin'],
  operator: ['admin'],
  admin: [],
};

/** Whether whoever has the one may do all that the other may: then they may also hand out no more than the other. */
export const includesRole = (held: string, wanted: string): boolean =>
  held === wanted || personRoles.some((one) => one === wanted && includedIn[one].some((role) => role === held));

export type Labels = Readonly<Record<string, string>>;

export interface Mandate {
  readonly role: PersonRole;
  /** Without them: over everything. */
  readonly labels?: Labels;
  /** When it was given. A decision on what was asked before that is not this person's. */
  readonly since?: string;
}

/** One line of estop.yaml: this role, for these people and the members of these groups. */
export interface RoleRule {
  readonly role: PersonRole;
  readonly people: readonly string[];
  readonly groups: readonly string[];
  readonly labels?: Labels;
}

interface Known {
  /** Each of them proved by the identity provider: a verified address, or `sub:` and the subject. */
  readonly names: readonly string[];
  readonly groups: readonly string[];
}

export function mandatesOf({ names, groups }: Known, rules: readonly RoleRule[]): readonly Mandate[] {
  const given = rules
    .filter(
      (rule) => rule.people.some((name) => names.includes(name)) || rule.groups.some((one) => groups.includes(one)),
    )
    .map(({ role, labels }): Mandate => ({ role, ...(labels === undefined ? {} : { labels }) }));
  return given.filter((one, index) => given.findIndex((other) => isSame(one, other)) === index);
}

/** Those that count now, each with the date at which it is known to have been given. What is new was given now. */
export function datedAs(now: readonly Mandate[], before: readonly Mandate[], at: string): readonly Mandate[] {
  return now.map((one) => ({ ...one, since: before.find((other) => isSame(one, other))?.since ?? at }));
}

export function isSame(one: Mandate, other: Mandate): boolean {
  return one.role === other.role && sortedLabels(one.labels) === sortedLabels(other.labels);
}

const sortedLabels = (labels: Labels | undefined): string =>
  labels === undefined ? '' : JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));

/** Whether a mandate reaches something that carries these labels. */
export function reaches(mandate: Mandate, labels: Labels): boolean {
  return Object.entries(mandate.labels ?? {}).every(([name, value]) => labels[name] === value);
}

/** The same people under several names: whoever comes as one of them is taken for the same person wherever two are needed. */
export function personNamed(name: string, persons: Readonly<Record<string, readonly string[]>>): string {
  return Object.entries(persons).find(([, names]) => names.includes(name))?.[0] ?? name;
}

/** Every name that stands for the same person, in lower case: whichever they come under, they are one. */
export function namesOf(
  some: readonly string[],
  persons: Readonly<Record<string, readonly string[]>>,
): ReadonlySet<string> {
  const names = new Set(some.map((name) => name.toLowerCase()));
  const groups = Object.entries(persons).map(([person, also]) => [person, ...also].map((name) => name.toLowerCase()));
  // A name may stand in several: as long as one more is found, look again.
  for (let before = -1; before !== names.size; ) {
    before = names.size;
    for (const group of groups) if (group.some((name) => names.has(name))) for (const name of group) names.add(name);
  }
  return names;
}
