import type { BreakGlassSpec } from '../../contract/config.ts';
import { AskElevation, Elevation } from '../../contract/http/people.ts';
import { personOf } from '../../contract/identity.ts';
import { plural } from '../../contract/plural.ts';
import { EstopError } from '../../core/errors.ts';
import { formatId } from '../../core/ids.ts';
import { askElevation as ask, getElevation } from '../../store/elevations.ts';
import { getPerson, type PersonRecord, setMandates } from '../../store/people.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { showElevation } from '../show-people.ts';

/** Break-glass. By the rule of estop.yaml it begins at once, or with a second person; either way somebody else looks at it afterwards. */
export const askElevation = defineEndpoint({
  method: 'post',
  path: '/v1/elevations',
  id: 'askElevation',
  summary: 'Take a role for a while, for a reason that somebody else will look at; it never lets you reset a stop',
  permission: 'self:manage',
  underElevation: 'refused',
  input: { path: nothing, query: nothing, body: AskElevation },
  answers: [
    { status: 201, description: 'It has begun', schema: Elevation },
    { status: 202, description: 'It begins when a second person says so, within 15 minutes', schema: Elevation },
  ],
  problems: ['forbidden', 'conflict', 'limit-exceeded'],
  handle: async ({ body }, request, deps) => {
    const { identity } = request;
    const rules = deps.config.current().signIn?.breakGlass;
    const person = identity.personId === undefined ? undefined : await getPerson(deps.store, identity.personId);
    if (person === undefined || rules === undefined || !isNamed(person, rules))
      throw new EstopError('forbidden', {
        detail: 'signIn.breakGlass of estop.yaml does not name you, as a person who is signed in.',
      });
    if (!rules.roles.includes(body.role))
      throw new EstopError('forbidden', { detail: `Nobody takes the role ${body.role} here.` });
    if (body.minutes * 60_000 > rules.longestMs)
      throw new EstopError('limit-exceeded', {
        detail: `At most ${plural(Math.floor(rules.longestMs / 60_000), 'minute')}.`,
      });
    // What the ledger writes down is whose it is: it must not be a name that they went by before the last change of estop.yaml.
    if (person.person !== personOf(identity))
      await setMandates(deps.store, person.personId, personOf(identity), identity.mandates ?? []);
    const elevationId = formatId('elev', deps.environment, request.seed(1));
    const outcome = await ask(deps.store, {
      elevationId,
      personId: person.personId,
      role: body.role,
      reason: body.reason,
      lifeMs: body.minutes * 60_000,
      rule: rules.rule,
    });
    if (outcome === 'already')
      throw new EstopError('conflict', { detail: 'One of yours is asked for, or active, already.' });
    const record = await getElevation(deps.store, elevationId);
    if (outcome === 'unknown' || record === undefined) throw new EstopError('forbidden');
    return { status: outcome === 'active' ? 201 : 202, body: showElevation(record) };
  },
});

function isNamed(person: PersonRecord, rules: BreakGlassSpec): boolean {
  // A name that a link gave is one of this machine: nobody proved an address by it.
  const names = person.issuer === 'local' ? [] : [person.name, `sub:${person.subject}`];
  return names.some((name) => rules.people.includes(name)) || person.groups.some((one) => rules.groups.includes(one));
}
