/** Names that tools for waveforms take, all of them different: letters, digits and underscores. */
export function scopeNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    const plain = name.replaceAll(/\W/g, '_').replace(/^(?=\d)/, '_');
    let own = plain;
    for (let i = 2; taken.has(own); i++) own = `${plain}_${i}`;
    taken.add(own);
    return own;
  });
}
