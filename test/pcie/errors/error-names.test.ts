import { afterEach, describe, expect, it, vi } from 'vitest';

/** The registers' own tables. */
const TABLES = '../../../src/pcie/capabilities/aer.ts';

describe('errors by name', () => {
  afterEach(() => {
    vi.doUnmock(TABLES);
    vi.resetModules();
  });

  it('have the bits of their registers, in whatever order the tables are', async () => {
    vi.resetModules();
    vi.doMock(TABLES, async (original) => {
      const tables = await original<typeof import('../../../src/pcie/capabilities/aer.ts')>();
      const { CORRECTABLE_ERRORS, UNCORRECTABLE_ERRORS } = tables;
      return {
        ...tables,
        CORRECTABLE_ERRORS: CORRECTABLE_ERRORS.toReversed(),
        UNCORRECTABLE_ERRORS: [[22, 'Uncorrectable Internal Error', 'UncIE'], ...UNCORRECTABLE_ERRORS],
      };
    });
    const { CorrectableError, UncorrectableError } = await import(
      '../../../src/pcie/capabilities/aer-errors.ts'
    );
    expect(UncorrectableError).toEqual({
      dataLinkProtocol: 4,
      poisonedTlp: 12,
      flowControlProtocol: 13,
      completionTimeout: 14,
      completerAbort: 15,
      unexpectedCompletion: 16,
      receiverOverflow: 17,
      malformedTlp: 18,
      ecrc: 19,
      unsupportedRequest: 20,
      acsViolation: 21,
    });
    expect(CorrectableError).toEqual({
      receiverError: 0,
      badTlp: 6,
      badDllp: 7,
      replayRollover: 8,
      replayTimeout: 12,
      advisoryNonFatal: 13,
    });
  });
});
