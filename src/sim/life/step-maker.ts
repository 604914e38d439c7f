import { TlpKind } from '../../pcie/index.ts';
import type { CollectedFrame } from './collected-frame.ts';
import type { LifeClocks } from './life-clocks.ts';
import type { Decider, LifeClock, LifeLink, LifeStep, LifeStepKind } from './life-steps.ts';
import type { TrainFate } from './train-fates.ts';
import type { DiscardedTrain, Train, TrainPart } from './trains.ts';
import type { Translation } from './translations.ts';

/** What of a step is not the same for all. */
interface StepParts {
  readonly endPs?: number;
  readonly arrivesPs?: number | null;
  readonly clock?: LifeClock;
  readonly link?: LifeLink;
  readonly linkBytes?: number;
  readonly tlps?: number;
  readonly decidedBy?: readonly Decider[];
  readonly branch?: number | null;
}

const NAMES: Readonly<Record<TlpKind, string>> = {
  [TlpKind.MEMORY_READ]: 'MRd',
  [TlpKind.MEMORY_WRITE]: 'MWr',
  [TlpKind.COMPLETION]: 'Cpl',
  [TlpKind.COMPLETION_DATA]: 'CplD',
  [TlpKind.CONFIG_READ]: 'CfgRd',
  [TlpKind.CONFIG_WRITE]: 'CfgWr',
  [TlpKind.MESSAGE]: 'Msg',
};

/** What is said instead of what was to come of a train: it did not. */
const FATES: Readonly<Record<TrainFate['what'], string>> = {
  linkDown: 'lost: the link goes down',
  refused: 'refused at the root port',
};
const DISCARDED = 'discarded: a bit of it, or of one in front of it, is wrong';

/** Makes steps. */
export class StepMaker {
  readonly clocks: LifeClocks;
  private readonly found: CollectedFrame;

  constructor(clocks: LifeClocks, found: CollectedFrame) {
    this.clocks = clocks;
    this.found = found;
  }

  /** A step at `timePs`. */
  step(kind: LifeStepKind, timePs: number, unit: string, what: string, parts: StepParts = {}): LifeStep {
    const { endPs = null, arrivesPs = null, clock = null, link = null, linkBytes = 0, tlps = 0 } = parts;
    return {
      kind,
      timePs,
      endPs,
      arrivesPs,
      unit,
      clock,
      cycle: clock === null ? null : this.clocks.cycleAt(clock, timePs),
      link,
      linkBytes,
      tlps,
      what,
      decidedBy: parts.decidedBy ?? [],
      branch: parts.branch ?? null,
    };
  }

  /** A train of TLPs on the link: each time that it was discarded, and then the last time that it, or its end, leaves. */
  train(kind: LifeStepKind, train: Train, what: string, branch: number | null = null): LifeStep[] {
    const { arrivalPs, discarded } = train;
    const fate = this.found.fates.of(train);
    const downPs = fate?.what === 'linkDown' ? fate.timePs : Number.POSITIVE_INFINITY;
    const isTaken = arrivalPs < Number.POSITIVE_INFINITY;
    const isAgain = isTaken && discarded.some(({ isDuplicate }) => !isDuplicate);
    const isSure = discarded.every(({ isKnown }) => isKnown);
    const again = isAgain ? (isSure ? '; sent again' : '; sent again, if it was not taken before') : '';
    const arrivesPs = isTaken && arrivalPs < downPs ? arrivalPs : null;
    const end = `${fate === null ? (isTaken ? what : DISCARDED) : FATES[fate.what]}${again}`;
    const steps = [
      ...discarded.map((each) =>
        this.departure('discarded', train, each, discardedText(each), { arrivesPs: null, branch }),
      ),
      this.departure(kind, train, train, end, { arrivesPs, branch }),
    ];
    // What has not begun to leave when the link goes down never does.
    return steps
      .filter(({ timePs }) => timePs < downPs)
      .map((step) => ({ ...step, endPs: Math.min(step.endPs as number, downPs) }));
  }

  private departure(
    step: LifeStepKind,
    { kind, downstream, address, bytes }: Train,
    { startPs, leftPs, linkBytes, tlps }: TrainPart,
    end: string,
    parts: StepParts,
  ): LifeStep {
    const link = downstream ? 'pcie.downstream' : 'pcie.upstream';
    const count = tlps === 1 ? '' : `${tlps} `;
    const text = `${count}${NAMES[kind]} of ${bytes} bytes at 0x${address.toString(16)}: ${end}`;
    return this.step(step, startPs, link, text, {
      ...parts,
      endPs: leftPs,
      clock: 'symbol',
      link,
      linkBytes,
      tlps,
    });
  }

  /** What the IOMMU did for a request; nothing where the log does not say. */
  translation(request: Train, branch: number | null = null): LifeStep[] {
    const { translations, fates } = this.found;
    const fate = fates.of(request);
    const refused = fate?.what === 'refused' ? this.refusal(request, fate, branch) : [];
    const translation = translations.of(request);
    // What did not arrive was not looked up; a refusal says itself what the IOMMU found, if that was no walk.
    const isLost = fate?.what === 'linkDown' && request.arrivalPs >= fate.timePs;
    // A fault on demand refuses before anything is looked up: a walk that then ends well was for others.
    const isRefused = fate?.what === 'refused' && fate.byTranslation;
    if (translation === null || isLost || (isRefused && translation.fault === 0)) return refused;
    const { beganPs, endedPs } = translation;
    const parts = { branch, ...(endedPs === null ? {} : { endPs: endedPs }) };
    const page = `page 0x${Math.floor(request.address / 4096).toString(16)}`;
    return [
      this.step('translation', beganPs, 'iommu', translationText(translation, page), parts),
      ...refused,
    ];
  }

  private refusal({ kind, address }: Train, fate: TrainFate, branch: number | null): LifeStep[] {
    const page = `page 0x${Math.floor(address / 4096).toString(16)}`;
    const why = fate.byTranslation
      ? `${page} is refused to this function`
      : `nothing is behind 0x${address.toString(16)}`;
    const then =
      kind === TlpKind.MEMORY_WRITE
        ? 'the write is dropped, the card is not told, and what it was for stays as it was'
        : 'Unsupported Request';
    const unit = fate.byTranslation ? 'iommu' : 'rootPort';
    return [this.step('refused', fate.timePs, unit, `${why}: ${then}`, { branch })];
  }
}

function discardedText({ taken, isDuplicate, isKnown }: DiscardedTrain): string {
  if (!isKnown) return 'discarded, or taken: the log begins within a replay, and does not say';
  if (isDuplicate) return 'discarded: it is there already, and its Ack was lost';
  return taken === 0 ? DISCARDED : `all but ${taken} of them ${DISCARDED}`;
}

function translationText({ outcome, accesses, level, fault, endedPs }: Translation, page: string): string {
  switch (outcome) {
    case 'hit':
      return `IOTLB hit: ${page}`;
    case 'bypassed':
      return 'untranslated: the requests of this function pass as they are';
    case 'joined':
      return `${page} is being walked for already: waits for that walk${endText(endedPs)}`;
    case 'walk': {
      if (endedPs === null) return `IOTLB miss: a walk for ${page} begins`;
      const what =
        fault > 0
          ? `fault, reason ${fault}`
          : level === 0
            ? 'passes untranslated'
            : `found at level ${level}`;
      return `IOTLB miss: ${page}, walk of ${accesses} memory accesses, ${what}`;
    }
  }
}

function endText(endedPs: number | null): string {
  return endedPs === null ? '' : ', which ends';
}
