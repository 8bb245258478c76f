import type { Guard } from '../guard.ts';

const every = 'test/control/every-change.test.ts';
const audit = 'test/control/audit.test.ts';
const triggers = 'test/control/triggers.test.ts';
const slack = 'test/control/slack-buttons.test.ts';
const people = 'test/stop/people.test.ts';
const press = 'a press of a stranger, and one that nobody signed';
const tried = 'whoever tried to stop what they may not is in the audit';

/** That every change stands in the audit with its way, and that what strangers try does, without their filling it. */
export const auditGuards: readonly Guard[] = [
  {
    id: 'audit/way',
    file: 'src/control/perform.ts',
    protects: 'a change says by which way it was asked for',
    attacks: ['A43'],
    find: '{ ...request, ...seeded }, changing)',
    put: '{ ...request, ...seeded }, deps)',
    tests: { file: every, title: 'by whom, by which way, why' },
  },
  {
    id: 'audit/way-elevated',
    file: 'src/control/perform.ts',
    protects: 'and that it was done under a role that was taken for a while',
    attacks: ['A10'],
    find: 'asked.way, identity.elevation !== undefined)',
    put: 'asked.way, false)',
    tests: { file: every, title: 'says whether it was a page, the command line' },
  },
  {
    id: 'audit/way-ends',
    file: 'src/store/by-way.ts',
    protects: 'nobody who uses the connection after is written down with that way',
    attacks: ['A43'],
    find: 'SET LOCAL estop.method',
    put: 'SET estop.method',
    tests: { file: 'test/store/records.test.ts', title: 'leaves that to nobody who uses the connection after' },
  },
  {
    id: 'audit/forged-alert',
    file: 'src/control/triggers/trigger-door.ts',
    protects: 'an alert that nobody signed is on record',
    attacks: ['A44'],
    find: "      refused.note({ door: 'trigger'",
    put: "      if (subject === '') refused.note({ door: 'trigger'",
    tests: { file: triggers, title: 'who sends what nobody signed stands in the audit' },
  },
  {
    id: 'audit/strange-press',
    file: 'src/control/chat/slack-door.ts',
    protects: 'a press of a stranger is on record',
    attacks: ['A32'],
    find: "      refused.note({ door: 'slack', source: `slack:${press.by}`, subject, because: press.refused });\n",
    put: '',
    tests: { file: slack, title: press },
  },
  {
    id: 'audit/forged-press',
    file: 'src/control/chat/slack-door.ts',
    protects: 'and a press that Slack did not sign',
    attacks: ['A32'],
    find: "      refused.note({ door: 'slack', source: sourceOf(context) || 'unknown', subject, because });\n",
    put: '',
    tests: { file: slack, title: press },
  },
  {
    id: 'audit/strange-change',
    file: 'src/control/app.ts',
    protects: 'a change that nobody known asks for is on record',
    attacks: ['A43'],
    find: '    onRefused(errorCodeOf(thrown));\n',
    put: '',
    tests: { file: audit, title: 'has changes asked of it by nobody who is known' },
  },
  {
    id: 'audit/flood',
    file: 'src/store/refused-attempts.ts',
    protects: 'a flood from everywhere fills no audit',
    attacks: ['A44'],
    find: 'ofDoor.size >= mostOfDoor || ',
    put: '',
    tests: { file: audit, title: 'a flood from everywhere is a few lines' },
  },
  {
    id: 'audit/known-flood',
    file: 'src/control/record-denial.ts',
    protects: 'nor does somebody who is known and tries without end',
    attacks: ['A44'],
    find: 'deps.refused?.standsAlone(identity.actor) === false',
    put: 'false',
    tests: { file: audit, title: 'of somebody who is refused without end' },
  },
  {
    id: 'audit/one-statement',
    file: 'src/control/refused-attempts.ts',
    protects: 'nor keeps the store busy',
    attacks: ['A44'],
    find: 'if (!isBusy) void writeInTurn();',
    put: 'void writeInTurn();',
    tests: { file: triggers, title: 'who sends what nobody signed stands in the audit' },
  },
  {
    id: 'audit/refused-stop',
    file: 'src/stop/known-operators.ts',
    protects: 'whoever tried to stop what they may not is on record',
    attacks: ['A44'],
    find: '        await tellRefused();\n',
    put: '',
    tests: { file: people, title: tried },
  },
];
