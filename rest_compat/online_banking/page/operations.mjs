// Every operation that the page sends. A test validates each against the schema of the supergraph.

const SESSION = /* GraphQL */ `
  __typename
  ... on Session { accessToken refreshToken expiresIn user { name } }
  ... on Problem { code message }
`;

export const LOG_IN = /* GraphQL */ `
  mutation LogIn($input: LoginInput!) {
    result: login(input: $input) { ${SESSION} ... on SecondFactorRequired { challenge methods passkeyOptions } }
  }
`;

export const COMPLETE_LOGIN = /* GraphQL */ `
  mutation CompleteLogin($input: CompleteLoginInput!) { result: completeLogin(input: $input) { ${SESSION} } }
`;

export const SECOND_FACTORS = /* GraphQL */ `
  query SecondFactors { secondFactors { enrolled authenticatorApp recoveryCodesLeft passkeys { id } } }
`;

export const BEGIN_PASSKEY_STEP_UP = /* GraphQL */ `
  mutation BeginPasskeyStepUp {
    result: beginPasskeyStepUp { __typename ... on PasskeyChallenge { challenge options } }
  }
`;

export const STEP_UP = /* GraphQL */ `
  mutation StepUp($input: StepUpInput!) {
    result: stepUp(input: $input) {
      __typename
      ... on StepUpSuccess { accessToken refreshToken expiresIn }
      ... on Problem { code message }
    }
  }
`;

export const REGISTER = /* GraphQL */ `
  mutation Register($input: RegisterInput!) { result: register(input: $input) { ${SESSION} } }
`;

export const REFRESH = /* GraphQL */ `
  mutation Refresh($input: RefreshInput!) { result: refresh(input: $input) { ${SESSION} } }
`;

export const LOG_OUT = /* GraphQL */ `
  mutation LogOut { result: logout { __typename } }
`;

export const ACCOUNTS = /* GraphQL */ `
  query Accounts {
    me {
      name
      accounts(first: 100) {
        nodes { id accountNumber type status currency balance available }
        pageInfo { hasNextPage }
      }
    }
  }
`;

export const ACCOUNT = /* GraphQL */ `
  query Account($id: ID!, $first: Int!, $after: String) {
    me { name accounts(first: 100) { nodes { id accountNumber type } } }
    account(id: $id) {
      id accountNumber type status currency balance available held
      transactions(first: $first, after: $after) {
        nodes {
          id amount currency type status createdAt payee metadata
          source { id }
          destination { id }
          counterparty { accountNumber owner { name } }
          problem { message }
        }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
`;

export const OPEN_ACCOUNT = /* GraphQL */ `
  mutation OpenAccount($input: OpenAccountInput!) {
    result: openAccount(input: $input) {
      __typename
      ... on OpenAccountSuccess { account { accountNumber } }
      ... on Problem { code message }
    }
  }
`;

const ORDER = /* GraphQL */ `
  __typename
  ... on TransactionSuccess { replayed transaction { id status } }
  ... on Problem { code message }
  ... on InsufficientFunds { available currency }
  ... on AmountLimitExceeded { limit remaining limitCurrency: currency }
  ... on CurrencyMismatch { accountCurrency }
  ... on InvalidAccount { reason }
`;

export const ORDERS = {
  transfer: /* GraphQL */ `
    mutation Transfer($input: TransferInput!) { result: transfer(input: $input) { ${ORDER} } }
  `,
  deposit: /* GraphQL */ `
    mutation Deposit($input: DepositInput!) {
      result: deposit(input: $input) {
        __typename
        ... on TransactionSuccess { replayed transaction { id status } }
        ... on Problem { code message }
        ... on AmountLimitExceeded { limit remaining limitCurrency: currency }
      }
    }
  `,
  withdraw: /* GraphQL */ `
    mutation Withdraw($input: WithdrawInput!) { result: withdraw(input: $input) { ${ORDER} } }
  `,
  pay: /* GraphQL */ `
    mutation Pay($input: PayInput!) { result: pay(input: $input) { ${ORDER} } }
  `,
};
