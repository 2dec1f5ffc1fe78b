// Settings of Hive Gateway: which work of different clients is shared.
const { SHARING } = process.env;

export const gatewayConfig = {
  transportEntries: { '*.http': { options: { deduplicateInflightRequests: SHARING !== 'nothing' } } },
  inboundInflightRequestDeduplication: SHARING === 'operations',
};
