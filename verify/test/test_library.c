/* SPDX-License-Identifier: Apache-2.0
 *
 * libassay for an outsider: the shared library and assay.h alone, in C and in C++, and no symbol that the header does
 * not declare. ASSAY_BUILD names the build directory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "verify/test/support.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
/* A library under sanitizers needs their runtime in the program. */
#ifdef SANITIZED
#define SANITIZE "-fsanitize=address,undefined"
#else
#define SANITIZE ""
#endif
#ifdef __clang__
#define C_COMPILER "clang"
#define CXX_COMPILER "clang++"
#else
#define C_COMPILER "gcc"
#define CXX_COMPILER "g++"
#endif

/* Valid C99 and C++11, and nothing included but the header. */
static const char program[] = "#include \"assay.h\"\n"
                              "#include <stdio.h>\n"
                              "#include <stdlib.h>\n"
                              "#include <string.h>\n"
                              "int main(int argc, char **argv)\n"
                              "{\n"
                              "	uint8_t keys[4][ASSAY_KEY_BYTES];\n"
                              "	size_t count;\n"
                              "	struct assay_error error;\n"
                              "	struct assay_policy policy;\n"
                              "	struct assay_verdict verdict;\n"
                              "	if (argc != 3 || assay_keys_read(keys, &count, 4, argv[1], &error) != ASSAY_OK)\n"
                              "		return 3;\n"
                              "	memset(&policy, 0, sizeof policy);\n"
                              "	policy.trusted = (const uint8_t (*)[ASSAY_KEY_BYTES])keys;\n"
                              "	policy.trusted_count = count;\n"
                              "	if (assay_verify(&verdict, argv[2], NULL, &policy) != ASSAY_OK)\n"
                              "		return 3;\n"
                              "	printf(\"%s %u\", assay_outcome_name(verdict.outcome), (unsigned)verdict.run_count);\n"
                              "	enum assay_outcome outcome = verdict.outcome;\n"
                              "	char *json = assay_verdict_json(&verdict);\n"
                              "	if (!json || !strstr(json, assay_outcome_name(outcome)))\n"
                              "		return 3;\n"
                              "	free(json);\n"
                              "	assay_verdict_close(&verdict);\n"
                              "	return outcome;\n"
                              "}\n";

static char directory[64];

static void setup(void)
{
	test_directory_make(directory);
}

static void teardown(void)
{
	test_directory_remove(directory);
}

TestSuite(library, .init = setup, .fini = teardown);

static void expect_program(const char *compiler, const char *flags, const char *source, bool all)
{
	char path[128], library[4096], output[4096];

	test_need(compiler);
	snprintf(path, sizeof path, "%s/libassay.so.0", test_build());
	cr_assert(realpath(path, library), "%s is not built", path);
	snprintf(path, sizeof path, "%s/%s", directory, source);
	test_write(path, program, sizeof program - 1);
	/* The header alone, away from the repository; the library under its soname. */
	int code =
	    test_run(output, sizeof output,
	             "cp verify/assay.h %s && cp %s %s && cd %s && %s %s -Wall -Wextra -Wpedantic -Werror -I. " SANITIZE
	             " -o program %s libassay.so.0 -Wl,-rpath,%s 2>&1",
	             directory, library, directory, directory, compiler, flags, source, directory);
	cr_assert_eq(code, 0, "%s", output);
	static const struct {
		const char *name, *output;
		int code;
	} table[] = {
	    {"good/quick-host", "pass 2", 0},
	    {"good/profile-host", "inconclusive 2", 2},
	    {"reject/envelope-crlf", "malformed 0", 4},
	    {"reject/none", "", 3},
	};
	for (size_t i = all ? 0 : 1; i < sizeof table / sizeof *table; i++) {
		code = test_run(output, sizeof output,
		                "%s/program verify/vectors/good/key.pem verify/vectors/%s.intoto.json", directory,
		                table[i].name);
		cr_expect_eq(code, table[i].code, "%s: %d", table[i].name, code);
		cr_expect_str_eq(output, table[i].output, "%s: %s", table[i].name, output);
	}
}

Test(library, program_in_c)
{
	expect_program(C_COMPILER, "-std=c99", "program.c", true);
}

Test(library, program_in_c_plus_plus)
{
	expect_program(CXX_COMPILER, "-std=c++11", "program.cc", false); /* the first row takes long under sanitizers */
}

/* True when a line of the header that starts with ASSAY_API declares this function. */
static bool is_declared(const char *header, const char *name)
{
	const size_t len = strlen(name);

	for (const char *at = header; (at = strstr(at, "\nASSAY_API "));) {
		const char *call = strchr(++at, '(');
		if (call && (size_t)(call - at) > len && strncmp(call - len, name, len) == 0 &&
		    (call[-(ptrdiff_t)len - 1] == ' ' || call[-(ptrdiff_t)len - 1] == '*'))
			return true;
	}
	return false;
}

/* What is exported is what the header declares. Names of compilers' own begin with an underscore. */
Test(library, exported_symbols)
{
	char symbols[16384], *rest = NULL;
	struct test_bytes header = test_read("verify/assay.h");
	int exported = 0, declared = 0;

	test_need("nm");
	cr_assert_eq(test_run(symbols, sizeof symbols,
	                      "nm -D --defined-only %s/libassay.so.0 | sed 's/.* //' | grep -v ^_", test_build()),
	             0);
	for (char *name = strtok_r(symbols, "\n", &rest); name; name = strtok_r(NULL, "\n", &rest), exported++) {
		cr_expect(strncmp(name, "assay_", 6) == 0, "%s is exported", name);
		cr_expect(is_declared((const char *)header.data, name), "assay.h does not declare %s", name);
	}
	for (const char *at = (const char *)header.data; (at = strstr(at, "\nASSAY_API ")); at++)
		declared++;
	cr_expect_eq(exported, declared, "%d functions are exported, %d declared", exported, declared);
	free(header.data);
}

/* The header needs nothing before it, and can come twice. */
Test(library, header_alone)
{
	char output[4096];

	test_need(C_COMPILER);
	int code = test_run(output, sizeof output,
	                    "for s in c99 c11 c17; do printf '#include \"verify/assay.h\"\\n#include "
	                    "\"verify/assay.h\"\\n' | " C_COMPILER
	                    " -std=$s -Wall -Wextra -Wpedantic -Werror -I. -fsyntax-only -x c - || exit 1; done 2>&1");
	cr_expect_eq(code, 0, "%s", output);
}
