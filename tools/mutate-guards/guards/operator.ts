import type { Guard } from '../guard.ts';

const completion = 'test/cli/completion.test.ts';
const scripts = 'src/cli/completion/scripts.ts';

/** What operators are shown and offered: nothing that runs of itself, nothing signed unseen, nothing hidden below a form. */
export const operatorGuards: readonly Guard[] = [
  {
    id: 'operator/tab-plain',
    file: scripts,
    protects: 'nothing that a shell would run or a terminal obey comes into a line because of a key',
    attacks: ['A18'],
    find: '$id =~ ^[A-Za-z0-9][A-Za-z0-9_.-]*$ && $id == "$current"*',
    put: '$id == "$current"*',
    tests: { file: completion, title: 'takes nothing into a line' },
  },
  {
    id: 'operator/tab-address',
    file: scripts,
    protects: 'a token goes to no address that is being typed',
    attacks: ['A16'],
    find: '--control-url|--stop-url) where=(none) ;;',
    put: '--control-url|--stop-url) ;;',
    tests: { file: completion, title: 'asks nobody at an address' },
  },
  {
    id: 'operator/formula',
    file: 'src/contract/audit-export.ts',
    protects: 'nothing in an exported audit is a formula',
    attacks: ['A20'],
    find: "/^[\\s]*[=+\\-@]/.test(plain) ? `'${plain}` : plain",
    put: 'plain',
    tests: { file: 'test/control/audit.test.ts', title: 'leaves as CSV' },
  },
  {
    id: 'operator/unseen-uses',
    file: 'src/control/console/elevations.ts',
    protects: 'nobody signs an elevation over what was done and not shown',
    attacks: ['A10'],
    find: "one.state === 'to-review' && one.detail === undefined",
    put: 'false',
    tests: { file: 'test/console/break-glass.test.ts', title: 'nobody signs over what was done' },
  },
  {
    id: 'operator/under-a-finger',
    file: 'src/control/console/assets/console.js',
    protects: 'nothing moves under a finger',
    attacks: ['A31'],
    find: '    if (isPressed) return refreshSoon();\n',
    put: '',
    tests: { file: 'test/console/standing-still.test.ts', title: 'replaces nothing under a finger' },
  },
  {
    id: 'operator/pressed-though-lost',
    file: 'src/control/console/assets/console.js',
    protects: 'a page that takes itself for cut off sends an order to stop all the same',
    attacks: ['A31'],
    find: "    if (!one('[name=stopId]', order)) return unsent('Nothing was sent.');\n",
    put: "    if (isLost()) return unsent('Nothing was sent.');\n",
    tests: { file: 'test/console/cut-off.test.ts', title: 'sends an order to stop all the same' },
  },
];
