/** A folder that somebody has deleted is none; whoever stands in it can still stop. */
export function workingFolder(): string {
  try {
    return process.cwd();
  } catch {
    return '/';
  }
}
