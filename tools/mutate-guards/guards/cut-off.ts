import type { Guard } from '../guard.ts';

const file = 'test/core/flow/cut-off.test.ts';
const observe = 'src/core/flow/observe.ts';

/** What is told from the whole of an output is told of no output that goes on behind the end of what was read. */
export const cutOffGuards: readonly Guard[] = [
  {
    id: 'cut-off/broken-off',
    file: 'src/core/flow/shape/literal.ts',
    protects: 'what breaks off is not taken for all there is',
    attacks: ['A13'],
    find: '    this.cut ||= this.at >= this.text.length;\n',
    put: '',
    tests: { file },
  },
  {
    id: 'cut-off/fields',
    file: 'src/core/flow/shape/structure.ts',
    protects: 'more fields than are looked at are not all there is',
    attacks: ['A13'],
    find: 'cut: literal.cut || isFull',
    put: 'cut: literal.cut',
    tests: { file },
  },
  {
    id: 'cut-off/keys',
    file: 'src/core/flow/shape/lines.ts',
    protects: 'more lines than are looked at are not all there is',
    attacks: ['A13'],
    find: 'cut: keyed >= most',
    put: 'cut: false',
    tests: { file },
  },
  {
    id: 'cut-off/titles',
    file: observe,
    protects: 'a title that may stand behind the end a second time names nothing',
    attacks: ['A13'],
    find: 'cut || draft.tainted || call.profile.tier',
    put: 'draft.tainted || call.profile.tier',
    tests: { file, title: 'no record is the one that the user spoke of' },
  },
  {
    id: 'cut-off/names',
    file: 'src/core/flow/mailbox.ts',
    protects: 'a name that another may bear behind the end is nobody’s',
    attacks: ['A13'],
    find: '  draft.crowded ||= cut && draft.addresses.size > 0;\n',
    put: '',
    tests: { file, title: 'nobody is the one bearer of a name' },
  },
  {
    id: 'cut-off/address-book',
    file: 'src/core/flow/address-book.ts',
    protects: 'an address book of which a part was read knows nobody',
    attacks: ['A13'],
    find: 'const isOnly = !cut && ',
    put: 'const isOnly = ',
    tests: { file, title: 'nobody of an address book is known by a name' },
  },
  {
    id: 'cut-off/mailbox',
    file: observe,
    protects: 'half a mailbox does not say whose it is',
    attacks: ['A13'],
    find: 'const own = cut ? undefined : ownAddress(call, records);',
    put: 'const own = ownAddress(call, records);',
    tests: { file, title: 'it is nobody’s mailbox' },
  },
  {
    id: 'cut-off/steered',
    file: 'src/core/flow/origin.ts',
    protects: 'a look in a task that has read more than is remembered is steered unless the user said so',
    attacks: ['A13'],
    find: 'return isBeyond ? words.length > 0 : words.some(',
    put: 'return !isBeyond && words.some(',
    tests: { file: 'test/core/flow/named-things.test.ts', title: 'in a task that has read more than is remembered' },
  },
];
