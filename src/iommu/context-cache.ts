/** Domain of a function that no entry is held for. */
export const NO_CONTEXT = -1;
/** "Domain" of a function whose addresses pass unchanged. */
export const PASS_THROUGH = -2;

const FUNCTIONS = 65536;

/**
 * The context cache: what the context entry of each function said, by Routing ID. It holds every function there can
 * be; an entry stays until it is invalidated. Faulty entries are never held (VT-d 6.2.2.1).
 */
export class ContextCache {
  /** Domain by Routing ID, {@link NO_CONTEXT} or {@link PASS_THROUGH}. */
  readonly domains = new Int32Array(FUNCTIONS).fill(NO_CONTEXT);
  /** Host physical address of the topmost second-stage table. */
  readonly tables = new Float64Array(FUNCTIONS);
  /** Levels of those tables. */
  readonly levels = new Uint8Array(FUNCTIONS);
  /** 1 where FPD, when it was last read, kept qualified faults from being recorded. */
  readonly silent = new Uint8Array(FUNCTIONS);

  fill(routingId: number, domain: number, levels: number, table: number): void {
    this.domains[routingId] = domain;
    this.levels[routingId] = levels;
    this.tables[routingId] = table;
  }

  invalidate(routingId: number): void {
    this.domains[routingId] = NO_CONTEXT;
  }

  /** Of pass-through no domain is held: it may be this one. */
  invalidateDomain(domain: number): void {
    this.domains.forEach((held, routingId) => {
      if (held === domain || held === PASS_THROUGH) this.domains[routingId] = NO_CONTEXT;
    });
  }

  invalidateAll(): void {
    this.domains.fill(NO_CONTEXT);
  }
}
