/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A main for the fuzz targets where there is no libFuzzer: gives each file of the arguments (a
 * folder: each file in it) to the target once. So gcc, sanitizers and `make check` replay the
 * kept corpus, and a finding can be looked at in a debugger.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned n_files;

static int replay_file(const char *path, size_t size)
{
	FILE *f = fopen(path, "rb");
	uint8_t *p = malloc(size ? size : 1);
	int rc = -1;

	if (f && p && fread(p, 1, size, f) == size) {
		(void)LLVMFuzzerTestOneInput(p, size);
		n_files++;
		rc = 0;
	} else {
		perror(path);
	}
	if (f)
		fclose(f);
	free(p);
	return rc;
}

static int replay(const char *path)
{
	struct stat st;
	struct dirent *e;
	int rc = 0;
	DIR *d;

	if (stat(path, &st)) {
		perror(path);
		return -1;
	}
	if (!S_ISDIR(st.st_mode))
		return replay_file(path, (size_t)st.st_size);
	d = opendir(path);
	if (!d) {
		perror(path);
		return -1;
	}
	while ((e = readdir(d))) {
		char sub[4096];
		int n = snprintf(sub, sizeof(sub), "%s/%s", path, e->d_name);

		if (e->d_name[0] != '.' && n > 0 && (size_t)n < sizeof(sub) && replay(sub))
			rc = -1;
	}
	closedir(d);
	return rc;
}

int main(int argc, char **argv)
{
	int status = 0;

	for (int i = 1; i < argc; i++)
		if (replay(argv[i]))
			status = 1;
	printf("%u files\n", n_files);
	return n_files ? status : 1;
}
