const PAGE_BYTES = 4096;

interface Translation {
  hostPage: number;
  write: boolean;
}

/** A translation cache as one writes it in an afternoon: a Map of objects for each domain, and nothing ever leaves. */
export class MapTranslator {
  readonly #domains = new Map<number, number>();
  readonly #translations = new Map<number, Map<number, Translation>>();

  assign(routingId: number, domain: number): void {
    this.#domains.set(routingId, domain);
  }

  fill(domain: number, address: number, hostPage: number, write: boolean): void {
    let pages = this.#translations.get(domain);
    if (pages === undefined) {
      pages = new Map();
      this.#translations.set(domain, pages);
    }
    pages.set(Math.floor(address / PAGE_BYTES), { hostPage, write });
  }

  lookup(routingId: number, address: number, isWrite: boolean): number {
    const domain = this.#domains.get(routingId);
    if (domain === undefined) return -1;
    const page = Math.floor(address / PAGE_BYTES);
    const translation = this.#translations.get(domain)?.get(page);
    if (translation === undefined) return -1;
    if (isWrite && !translation.write) return -2;
    return translation.hostPage + (address - page * PAGE_BYTES);
  }
}
