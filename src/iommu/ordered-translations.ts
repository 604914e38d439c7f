import { assert, checkInteger, IntRing } from '../base/index.ts';
import { IOMMU_MISS } from './answers.ts';
import type { TranslationClient } from './request-table.ts';

/** What answers look-ups and walks: an {@link Iommu}. */
export interface Translations {
  /** Host physical address, IOMMU_FAULT, or IOMMU_MISS if only a walk can tell. */
  lookup(routingId: number, address: number, isWrite: boolean): number;
  /** Walks; {@link TranslationClient.translated} is called when the walk has ended. */
  walk(routingId: number, address: number, isWrite: boolean, client: TranslationClient, cookie: number): void;
}

/** A request that waits for its turn. Made once and used again. */
class Waiting {
  routingId = 0;
  address = Number.NaN;
  isWrite = false;
  client: TranslationClient | null = null;
  cookie = 0;
  /** Of use once it is answered. */
  physical = Number.NaN;
  isAnswered = false;
}

/**
 * Has a port's requests translated in the order in which they arrived: one that hits waits for those before it that walk,
 * and so many are looked at ahead of the oldest. What waits behind them has not even been looked up.
 *
 * Measured hosts are like this: at 256 pages, of which an IOTLB of 117 holds half, 64-byte reads reach three quarters of what
 * six walkers would let through if each request went on as soon as it can ("Understanding PCIe performance for end host
 * networking", SIGCOMM '18).
 *
 * @example
 * const port = new RootPort('port', scheduler, link, tlps, memory, new OrderedTranslations(iommu, 8, 4096), ...);
 */
export class OrderedTranslations implements Translations {
  private readonly translator: Translations;
  private readonly ahead: number;
  private readonly waiting: Waiting[];
  private readonly free: IntRing;
  /** Those that wait, oldest first. */
  private readonly queue: IntRing;
  /** How many of them, from the oldest on, have been looked up. */
  private looked = 0;
  private readonly answers: TranslationClient;
  private isAnswering = false;

  /**
   * @param translator looks up and walks.
   * @param ahead requests that are looked at, the oldest among them: 1 to 1,024.
   * @param capacity requests that may wait at once: a power of two. One TLP of a link's pool is one request.
   * @throws TypeError or RangeError for a number out of range.
   */
  constructor(translator: Translations, ahead: number, capacity: number) {
    this.translator = translator;
    this.ahead = checkInteger('ahead', ahead, 1, 1024);
    this.queue = new IntRing(capacity);
    this.free = new IntRing(capacity);
    this.waiting = Array.from({ length: capacity }, () => new Waiting());
    for (let i = 0; i < capacity; i++) this.free.push(i);
    this.answers = { translated: (place, physical) => this.answer(place, physical) };
  }

  lookup(routingId: number, address: number, isWrite: boolean): number {
    if (this.queue.length > 0) return IOMMU_MISS;
    return this.translator.lookup(routingId, address, isWrite);
  }

  walk(
    routingId: number,
    address: number,
    isWrite: boolean,
    client: TranslationClient,
    cookie: number,
  ): void {
    assert(this.free.length > 0, 'more requests wait for translation than there is room for');
    const place = this.free.shift();
    const request = this.waiting[place];
    request.routingId = routingId;
    request.address = address;
    request.isWrite = isWrite;
    request.client = client;
    request.cookie = cookie;
    request.isAnswered = false;
    // Where nothing waited, it has been looked up and missed.
    const isMiss = this.queue.length === 0;
    this.queue.push(place);
    if (isMiss) {
      this.looked = 1;
      this.translator.walk(routingId, address, isWrite, this.answers, place);
    } else this.lookAhead();
  }

  /** Looks at requests until as many as may be are looked at. */
  private lookAhead(): void {
    const { queue, translator } = this;
    while (this.looked < this.ahead && this.looked < queue.length) {
      const place = queue.peek(this.looked++);
      const { routingId, address, isWrite } = this.waiting[place];
      const physical = translator.lookup(routingId, address, isWrite);
      if (physical === IOMMU_MISS) translator.walk(routingId, address, isWrite, this.answers, place);
      else this.answer(place, physical);
    }
  }

  private answer(place: number, physical: number): void {
    const request = this.waiting[place];
    request.physical = physical;
    request.isAnswered = true;
    // Whoever is told may ask for more: all of it is done by the call that is at it already.
    if (this.isAnswering) return;
    this.isAnswering = true;
    const { queue } = this;
    while (this.looked > 0 && this.waiting[queue.peek()].isAnswered) {
      const { client, cookie, physical: answer } = this.waiting[queue.peek()];
      this.free.push(queue.shift());
      this.looked--;
      this.lookAhead();
      (client as TranslationClient).translated(cookie, answer);
    }
    this.isAnswering = false;
  }
}
