package dev.millrace.gateway;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The module's arrows: what is above the topics knows them by the root package's interfaces alone. */
@AnalyzeClasses(packages = "dev.millrace.gateway", importOptions = DoNotIncludeTests.class)
class ArchitectureTest {

    @ArchTest
    static final ArchRule packagesFormNoCycle = slices().matching("dev.millrace.gateway.(*)..")
            .should()
            .beFreeOfCycles()
            .allowEmptyShould(true);

    @ArchTest
    static final ArchRule interfacesDoNotKnowWhoImplementsThem = noClasses()
            .that()
            .resideInAPackage("dev.millrace.gateway")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("dev.millrace.gateway.*..", "org.apache.kafka..");

    @ArchTest
    static final ArchRule onlyTheTransportSeesKafka = noClasses()
            .that()
            .resideOutsideOfPackage("dev.millrace.gateway.topic..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.apache.kafka..");
}
