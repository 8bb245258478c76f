/** On every answer of the control API, refusals among them: what does not understand the other learns from it which of the two is older. */
export const versionHeader = 'estop-version';
