/** Of what estop needs, and what this is. Plain JavaScript that Node 18 can run, like everything in this folder. */
export const needed = '22.12';

const numbersOf = (version) => version.split('.').map(Number);
const [major = 0, minor = 0] = numbersOf(process.versions.node);
const [neededMajor, neededMinor] = numbersOf(needed);

export const isNewEnough = major > neededMajor || (major === neededMajor && minor >= neededMinor);
