import { homedir } from 'node:os';

/** Containers give an account that no list of accounts names, and no HOME: then it is what they make of it, the root folder. */
export function homeFolder(): string {
  try {
    return homedir();
  } catch {
    return '/';
  }
}
