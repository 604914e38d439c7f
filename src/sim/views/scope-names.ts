/** Names that tools for waveforms take, all of them different: letters, digits and underscores. */
export class ScopeNames {
  private readonly scopes = new Map<string, string>();
  private readonly taken = new Set<string>();

  /** @param names that come first, in this order. */
  constructor(names: readonly string[]) {
    for (const name of names) this.of(name);
  }

  /** The scope for a name; the same each time. */
  of(name: string): string {
    const known = this.scopes.get(name);
    if (known !== undefined) return known;
    const plain = name.replaceAll(/\W/g, '_').replace(/^(?=\d)/, '_');
    let own = plain;
    for (let i = 2; this.taken.has(own); i++) own = `${plain}_${i}`;
    this.taken.add(own);
    this.scopes.set(name, own);
    return own;
  }
}
