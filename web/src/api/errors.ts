/** What a person is told about a failed request; everything the server or the network can answer is one of these. */

export interface FieldProblem {
  pointer: string;
  code: string;
  detail: string;
}

export interface Problem {
  status: number;
  code: string;
  title: string;
  detail: string;
  errors?: FieldProblem[];
  correlation_id?: string;
  [more: string]: unknown;
}

export const UNREACHABLE = "unreachable";

export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly problem: Problem;
  readonly retryAfter: number | null;

  constructor(problem: Problem, retryAfter: number | null = null) {
    super(problem.detail || problem.title);
    this.status = problem.status;
    this.code = problem.code;
    this.problem = problem;
    this.retryAfter = retryAfter;
  }

  /** Problems by the top field they belong to: `/billing/country` is told at `billing`. */
  get fields(): Record<string, FieldProblem> {
    const found: Record<string, FieldProblem> = {};
    for (const each of this.problem.errors ?? []) {
      const name = each.pointer.split("/")[1];
      if (name && !(name in found)) found[name] = each;
    }
    return found;
  }
}

export function unreachable(): ApiError {
  return new ApiError({ status: 0, code: UNREACHABLE, title: "", detail: "" });
}

export function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : unreachable();
}

/** The sentence of the catalogue that fits: by code when there is one, else by status. */
export function messageKeys(error: ApiError): string[] {
  const byStatus = error.status >= 500 ? "errors.500" : `errors.${error.status}`;
  return [`errors.code.${error.code}`, byStatus, "errors.other"];
}

export async function errorOf(response: Response, body: unknown): Promise<ApiError> {
  const retryAfter = Number(response.headers.get("Retry-After"));
  const said = typeof body === "object" && body !== null ? (body as Partial<Problem>) : {};
  const problem = { code: "", title: "", detail: "", ...said, status: response.status };
  return new ApiError(problem, Number.isFinite(retryAfter) && retryAfter > 0 ? retryAfter : null);
}
